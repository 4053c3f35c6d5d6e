// Package xlsx reads the rows of an Excel sheet, and writes the workbook back with cells appended and everything else
// unchanged. Its memory does not grow with the rows, apart from 4 bytes per distinct text.
//
// excelize's streams return a cell's text without type or style, keep the whole file in memory, and write a sheet
// without its other content. They only make new workbooks here.
package xlsx

import (
	"archive/zip"
	"encoding/xml"
	"io"
	"path"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

const (
	// maxUnzipped limits the size of a workbook's part, in bytes. A sheet with all 1,048,576 rows of some thirty cells
	// is smaller.
	maxUnzipped = 2 << 30
	maxWorkbook = 16 << 20 // limits the list of sheets, which is read into memory
)

// ErrNotWorkbook is the error of a file that is not an xlsx workbook.
var ErrNotWorkbook = lang.Errorf("it is no xlsx workbook, or a damaged one")

// Book is a workbook.
type Book struct {
	zip     *zip.Reader
	sheets  []sheet
	strings string // part with the shared strings; empty: none
	texts   *texts
}

type sheet struct {
	name, part string
	hidden     bool
}

// Open reads a workbook's list of sheets.
func Open(r io.ReaderAt, size int64) (*Book, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, lang.Errorf("%w: %w", ErrNotWorkbook, err)
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
		return b, nil
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
		return lang.Errorf("%w: %s: %w", ErrNotWorkbook, part, err)
	}
	return nil
}

func (b *Book) find(part string) *zip.File {
	for _, f := range b.zip.File {
		if strings.EqualFold(f.Name, part) {
			return f
		}
	}
	return nil
}

// open opens a part. archive/zip reads at most the declared size.
func (b *Book) open(part string) (io.ReadCloser, error) {
	f := b.find(part)
	if f == nil {
		return nil, lang.Errorf("%w: %s is missing", ErrNotWorkbook, part)
	}
	if f.UncompressedSize64 > maxUnzipped {
		return nil, lang.Errorf("%s takes %d MiB unzipped, and %d are the most that is read", part, f.UncompressedSize64>>20, maxUnzipped>>20)
	}
	r, err := f.Open()
	if err != nil {
		return nil, lang.Errorf("%w: %s: %w", ErrNotWorkbook, part, err)
	}
	return r, nil
}

// Sheets returns the names of the sheets with cells, in order.
func (b *Book) Sheets() []string {
	var names []string
	for _, s := range b.sheets {
		names = append(names, s.name)
	}
	return names
}

// Sheet returns a sheet's name in the workbook's spelling. An empty name selects the first visible sheet.
func (b *Book) Sheet(name string) (string, bool) {
	for _, s := range b.sheets {
		if name == "" && !s.hidden || name != "" && strings.EqualFold(s.name, name) {
			return s.name, true
		}
	}
	if name == "" {
		return b.sheets[0].name, true
	}
	return "", false
}

func (b *Book) part(name string) string {
	for _, s := range b.sheets {
		if s.name == name {
			return s.part
		}
	}
	return ""
}

// text returns a shared string.
func (b *Book) text(n int) ([]byte, error) {
	if b.texts == nil {
		if b.strings == "" {
			return nil, lang.Errorf("%w: a cell names a text, and there are none", ErrNotWorkbook)
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
