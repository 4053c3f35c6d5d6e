package rows

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// Detect detects the format of an input by its name, which may be empty, and its start, of which a few kilobytes are enough. why
// says in a sentence what the start looks like.
func Detect(start []byte, name string, o Options) (_ Options, why lang.Text, err error) {
	if err := unsupportedContent(start); err != nil {
		return o, why, err
	}
	looks, why := sniff(start)
	named, known := FormatOf(name)
	end := strings.ToLower(filepath.Ext(name))
	switch {
	case o.Format != "":
	case looks == XLSX && other(name):
		o.Format = XLSX
	case end == ".xls" && len(start) > 0:
		return o, why, settled(PartFormat, 0, "it is named like an Excel workbook, and is text; read it with --format %s, or give it another name", string(looks))
	case slices.Contains(packed, end):
		return o, why, settled(PartFormat, 0, "it is compressed, which is not read; unpack it")
	case other(name):
		return o, why, settled(PartFormat, 0, "it is of a kind that is not read; save it as .xlsx, or as CSV")
	case !known && looks == Lines && name != "":
		return o, why, settled(PartFormat, 0, "what is in it?")
	case !known, named == Lines && looks != XLSX:
		o.Format = looks
	default:
		o.Format = named
	}
	switch {
	case looks == XLSX && o.Format != XLSX:
		err = settled(PartFormat, 0, "it is an xlsx workbook, and not %s", o.Format.Title())
	case o.Format == XLSX && looks != XLSX:
		err = settled(PartFormat, 0, "it is no xlsx workbook; it looks like %s", looks.Title())
	}
	return o, why, err
}

// sniffed is the number of lines to examine.
const sniffed = 50

// sniff guesses the format from the start of an input, and says why: of lines, nothing.
func sniff(start []byte) (Format, lang.Text) {
	if isZip(start) {
		return XLSX, lang.T("it is a zip file, as xlsx workbooks are")
	}
	text := decodedStart(start)
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(trimmed, "{"):
		return JSONLines, lang.T("it begins with { as JSON Lines do")
	case strings.HasPrefix(trimmed, "["):
		if rest := strings.TrimSpace(trimmed[1:]); rest == "" || strings.ContainsAny(rest[:1], `{]"`) {
			return JSONArray, lang.T("it begins with [ as JSON does")
		}
	}
	list := strings.Split(text, "\n")
	if len(list) > 1 && len(start) > 0 {
		list = list[:len(list)-1] // the last line may be incomplete
	}
	counted, having := 0, [len(Delimiters)]int{}
	for i, line := range list[:min(len(list), sniffed)] {
		line = strings.TrimSuffix(line, "\r")
		if i == 0 && separatorLine(line) != 0 {
			return CSV, lang.T("its first line is %s, as spreadsheets write it", line)
		}
		if blank(line) || strings.HasPrefix(line, "#") {
			continue
		}
		if counted++; counted == 1 {
			if separator, column := bestSeparator(line, ""); column != "" {
				return tableOf(separator), lang.T("its first line names a column %s", column)
			}
		}
		line = strings.TrimSpace(line) // ids may be indented
		for at := range Delimiters {
			if strings.IndexByte(line, Delimiters[at]) >= 0 {
				having[at]++
			}
		}
	}
	for at, count := range having {
		if 2*count > counted {
			return tableOf(Delimiters[at]), lang.T("most of its lines hold %s", delimiterTitle(Delimiters[at]))
		}
	}
	return Lines, lang.Text{}
}

func tableOf(separator byte) Format {
	if separator == '\t' {
		return TSV
	}
	return CSV
}

func isZip(start []byte) bool { return bytes.HasPrefix(start, []byte("PK\x03\x04")) }

// unsupportedContent returns an *Error if a file begins like an unsupported kind, whatever its name.
func unsupportedContent(start []byte) error {
	begins := func(with string) bool { return bytes.HasPrefix(start, []byte(with)) }
	holds := func(text string, within int) bool {
		return isZip(start) && bytes.Contains(start[:min(len(start), within)], []byte(text))
	}
	text := strings.ToLower(strings.TrimSpace(decodedStart(start[:min(len(start), 512)])))
	page := func(begin string) bool { return strings.HasPrefix(text, begin) }
	switch {
	case begins("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") && bytes.Contains(start, []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")):
		return settled(PartFormat, 0, "it is a workbook with a password; take the password off, and save it as .xlsx")
	case begins("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
		return settled(PartFormat, 0, "it is an old Excel workbook (.xls), a WPS one (.et), or one with a password, which is not read; save it as .xlsx, or as CSV")
	case begins("\xff\xfe\x00\x00"), begins("\x00\x00\xfe\xff"), len(start) >= 8 && (bytes.Count(start[:8], []byte{0}) == 6 && start[0]|start[3] != 0):
		return settled(PartNone, 0, "it is UTF-32, which is not read; save it as UTF-8")
	case holds("mimetypeapplication/vnd.oasis.opendocument", 100):
		return settled(PartFormat, 0, "it is an OpenDocument sheet, which is not read; save it as .xlsx, or as CSV")
	case holds("Index/", 200):
		return settled(PartFormat, 0, "it is a Numbers document, which is not read; save it as .xlsx, or as CSV")
	case slices.ContainsFunc([]string{"<html", "<!doctype", "<table", "<meta", "<head"}, page):
		return settled(PartFormat, 0, "it is a web page, as some programs export instead of a table, which is not read; save it as .xlsx, or as CSV")
	case page("<?xml"), begins("%PDF"):
		return settled(PartFormat, 0, "it is no table; save it as .xlsx, or as CSV")
	case begins("\x1f\x8b"), begins("7z\xbc\xaf"), begins("Rar!"):
		return settled(PartFormat, 0, "it is compressed, which is not read; unpack it")
	}
	return nil
}

// findSeparator returns the separator of a text table, and a line sep=, which it reads. A header's separator is the one that
// gives the wanted column, else the one that gives most columns.
func findSeparator(in *bufio.Reader, o Options) (separator byte, named string, err error) {
	ahead := peekLine(in)
	first, _, _ := strings.Cut(ahead, "\n")
	if separator = separatorLine(first); separator != 0 {
		if named, err = in.ReadString('\n'); err != nil && !errors.Is(err, io.EOF) {
			return 0, "", err
		}
	}
	if o.Delimiter != 0 {
		separator = o.Delimiter
	}
	if separator != 0 {
		return separator, named, nil
	}
	separator = formats[o.Format].separator
	if o.Format != CSV {
		return separator, named, nil
	}
	best, _ := bestSeparator(ahead, o.ID)
	return cmp.Or(best, separator), named, nil
}

// bestSeparator returns the separator of a text's first record: the one that gives the wanted column, which it names, else the one
// that gives most columns.
func bestSeparator(text, wanted string) (separator byte, column string) {
	most := 0
	for _, candidate := range []byte(Delimiters) {
		cells := firstRecord(text, candidate)
		at, err := header{names: cells}.pick(wanted)
		hits := at >= 0 && err == nil
		if hits && column == "" || hits == (column != "") && len(cells) > most {
			separator, most = candidate, len(cells)
			if hits {
				column = visible(cells[at])
			}
		}
	}
	return separator, column
}

// peekLine returns the upcoming text, up to a header after blank lines and a line sep=, as far as the buffer has room.
func peekLine(in *bufio.Reader) string {
	for {
		text, _ := in.Peek(max(1, in.Buffered())) // an error comes again when the text is read
		rest := bytes.TrimLeft(text, "\r\n ")
		if line, more, _ := bytes.Cut(rest, []byte("\n")); separatorLine(string(line)) != 0 {
			rest = bytes.TrimLeft(more, "\r\n ")
		}
		inQuotes := false
		end := bytes.IndexFunc(rest, func(c rune) bool {
			inQuotes = inQuotes != (c == '"')
			return c == '\n' && !inQuotes
		})
		if end >= 0 || len(text) == in.Size() {
			return string(text)
		}
		if _, err := in.Peek(len(text) + 1); err != nil {
			return string(text)
		}
	}
}
