// Package xlsx reads the rows of an Excel sheet, and writes the workbook back with cells appended and everything else
// unchanged. Its memory does not grow with the rows, apart from 4 bytes per distinct text.
//
// excelize's streams return a cell's text without type or style, keep the whole file in memory, and write a sheet
// without its other content.
package xlsx

import (
	"archive/zip"
	"encoding/xml"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

const (
	// maxUnzipped limits the size of a workbook's part, in bytes. A sheet with all 1,048,576 rows of some thirty cells is smaller.
	maxUnzipped = 2 << 30
	maxWorkbook = 16 << 20 // limits the list of sheets, which is read into memory
)

// Book is a workbook.
type Book struct {
	zip     *zip.Reader
	sheets  []sheet
	strings string // part with the shared strings; empty: none
	texts   *texts
	styles  string          // part with the formats of cells; empty: none
	dates   map[string]bool // the numbers of formats that show dates; nil: not read yet
}

type sheet struct {
	name, part string
	hidden     bool
}

// Open reads a workbook's list of sheets, and through all that Append copies: an archive that breaks off or has overlapping entries
// is found before anything is done.
func Open(r io.ReaderAt, size int64) (*Book, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, damaged("%w", err)
	}
	b := &Book{zip: z}
	root, err := b.relations("_rels/.rels")
	if err != nil {
		return nil, err
	}
	for _, rel := range root {
		if !strings.HasSuffix(rel.Type, "/officeDocument") {
			continue
		}
		if err := b.readWorkbook(resolve("", rel.Target)); err != nil {
			return nil, err
		}
		if len(b.sheets) == 0 {
			return nil, lang.Errorf("it has no sheet with cells")
		}
		return b, b.check()
	}
	return nil, ErrNotWorkbook
}

type relation struct {
	ID     string `xml:"Id,attr"`
	Type   string `xml:"Type,attr"`
	Target string `xml:"Target,attr"`
}

func (b *Book) relations(part string) ([]relation, error) {
	var list struct {
		Relations []relation `xml:"Relationship"`
	}
	return list.Relations, b.decode(part, &list)
}

// resolve returns the target of a relation of a part in a folder.
func resolve(folder, target string) string {
	if strings.HasPrefix(target, "/") {
		return strings.TrimPrefix(path.Clean(target), "/")
	}
	return path.Join(folder, target)
}

func (b *Book) readWorkbook(part string) error {
	folder, name := path.Split(part)
	rels, err := b.relations(path.Join(folder, "_rels", name+".rels"))
	if err != nil {
		return err
	}
	parts := map[string]string{}
	for _, rel := range rels {
		switch {
		case strings.HasSuffix(rel.Type, "/worksheet"):
			parts[rel.ID] = resolve(folder, rel.Target)
		case strings.HasSuffix(rel.Type, "/sharedStrings"):
			b.strings = resolve(folder, rel.Target)
		case strings.HasSuffix(rel.Type, "/styles"):
			b.styles = resolve(folder, rel.Target)
		}
	}
	var workbook struct {
		Sheets []struct {
			Name  string     `xml:"name,attr"`
			State string     `xml:"state,attr"`
			Attrs []xml.Attr `xml:",any,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := b.decode(part, &workbook); err != nil {
		return err
	}
	for _, s := range workbook.Sheets {
		for _, attr := range s.Attrs {
			if part, is := parts[attr.Value]; is && attr.Name.Local == "id" {
				b.sheets = append(b.sheets, sheet{s.Name, part, s.State != "" && s.State != "visible"})
			}
		}
	}
	return nil
}

// decode reads a small part.
func (b *Book) decode(part string, into any) error {
	r, err := b.open(part)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := xml.NewDecoder(io.LimitReader(r, maxWorkbook)).Decode(into); err != nil {
		return damaged("%s: %w", part, err)
	}
	return nil
}

func (b *Book) find(part string) *zip.File {
	for _, f := range b.zip.File {
		if strings.EqualFold(strings.ReplaceAll(f.Name, `\`, "/"), part) { // some programs write paths of Windows
			return f
		}
	}
	return nil
}

// open opens a part. archive/zip reads at most the declared size.
func (b *Book) open(part string) (io.ReadCloser, error) {
	f := b.find(part)
	if f == nil {
		return nil, damaged("%s is missing", part)
	}
	if f.UncompressedSize64 > maxUnzipped {
		return nil, lang.Errorf("%s takes %d MiB unzipped, and %d are the most that is read", part, f.UncompressedSize64>>20, maxUnzipped>>20)
	}
	r, err := f.Open()
	if err != nil {
		return nil, damaged("%s: %w", part, err)
	}
	return r, nil
}

// quoted is what a format shows as it is, such as "days", and a colour or a condition in brackets.
var quoted = regexp.MustCompile(`"[^"]*"|\\.|\[[^\]]*\]`)

// date reports whether a cell's format shows a date or a time. Unreadable formats show none.
func (b *Book) date(style string) bool {
	if b.dates == nil {
		b.dates = map[string]bool{}
		var styles struct {
			Formats []struct {
				ID   int    `xml:"numFmtId,attr"`
				Code string `xml:"formatCode,attr"`
			} `xml:"numFmts>numFmt"`
			Cells []struct {
				Format int `xml:"numFmtId,attr"`
			} `xml:"cellXfs>xf"`
		}
		if b.styles != "" {
			_ = b.decode(b.styles, &styles)
		}
		shown := map[int]bool{}
		for _, f := range styles.Formats {
			shown[f.ID] = strings.ContainsAny(strings.ToLower(quoted.ReplaceAllString(f.Code, "")), "ymdhs年月日")
		}
		for i, cell := range styles.Cells {
			n := cell.Format // below 164 are those that programs have built in, by language
			b.dates[strconv.Itoa(i)] = shown[n] || n >= 14 && n <= 22 || n >= 27 && n <= 36 || n >= 45 && n <= 47 || n >= 50 && n <= 58
		}
	}
	return b.dates[style]
}

func (b *Book) check() error {
	for _, f := range b.zip.File {
		r, err := f.OpenRaw()
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if err != nil {
			return damaged("%s: %w", f.Name, err)
		}
	}
	return nil
}

// Sheets returns the names of the sheets with cells, in order: all, or those that are not hidden.
func (b *Book) Sheets(hidden bool) []string {
	var names []string
	for _, s := range b.sheets {
		if hidden || !s.hidden {
			names = append(names, s.name)
		}
	}
	return names
}

// Sheet returns a sheet's name in the workbook's spelling, by its name or number. An empty name selects the first visible sheet.
func (b *Book) Sheet(name string) (string, bool) {
	all, visible := b.Sheets(true), b.Sheets(false)
	if name == "" {
		return append(visible, all...)[0], true
	}
	at := slices.IndexFunc(all, func(sheet string) bool { return strings.EqualFold(sheet, name) })
	if n, err := strconv.Atoi(name); at < 0 && err == nil && n > 0 && n <= len(all) {
		at = n - 1
	}
	if at < 0 {
		return "", false
	}
	return all[at], true
}

func (b *Book) part(name string) string {
	return b.sheets[slices.IndexFunc(b.sheets, func(s sheet) bool { return s.name == name })].part
}

// text returns a shared string.
func (b *Book) text(n int) ([]byte, error) {
	if b.texts == nil {
		if b.strings == "" {
			return nil, damaged("a cell names a text, and there are none")
		}
		r, err := b.open(b.strings)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		if b.texts, err = readTexts(r); err != nil {
			return nil, err
		}
	}
	return b.texts.at(n)
}

// Close releases the texts.
func (b *Book) Close() error { return b.texts.close() }
