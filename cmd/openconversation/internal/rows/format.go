package rows

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// Format is a file format.
type Format string

// The formats.
const (
	Lines     Format = "lines" // one chat id a line; blank lines and lines beginning with # are ignored
	CSV       Format = "csv"   // with a header; delimited by commas, semicolons, tabs or bars
	TSV       Format = "tsv"   // the same with tabs, and CSV's quotes
	JSONLines Format = "jsonl" // one JSON object a line
	JSONArray Format = "json"  // one array of objects
	XLSX      Format = "xlsx"  // a sheet of a workbook, with a header
)

// Formats lists all formats.
var Formats = []Format{Lines, CSV, TSV, JSONLines, JSONArray, XLSX}

// abilities describes a format.
type abilities struct {
	title      lang.Format
	extensions []string // the first is the preferred one
	columns    bool     // rows are cells below a header
	fields     bool     // rows are objects
	separator  byte     // default; 0: none
	outputs    []Format // possible output formats; the first is the default
	whole      bool     // an output cannot be written row by row
}

var formats = map[Format]abilities{
	Lines:     {title: "plain lines", extensions: []string{".txt"}, separator: 0, outputs: []Format{CSV, TSV, XLSX, JSONLines}},
	CSV:       {title: "CSV", extensions: []string{".csv"}, columns: true, separator: ',', outputs: []Format{CSV, TSV, XLSX, JSONLines}},
	TSV:       {title: "TSV", extensions: []string{".tsv", ".tab"}, columns: true, separator: '\t', outputs: []Format{TSV, CSV, XLSX, JSONLines}},
	JSONLines: {title: "JSON Lines", extensions: []string{".jsonl", ".ndjson"}, fields: true, outputs: []Format{JSONLines}},
	JSONArray: {title: "a JSON array", extensions: []string{".json"}, fields: true, outputs: []Format{JSONArray}, whole: true},
	XLSX:      {title: "an xlsx workbook", extensions: []string{".xlsx", ".xlsm"}, columns: true, outputs: []Format{XLSX, CSV, TSV, JSONLines}, whole: true},
}

// Title returns the format's name in a sentence.
func (f Format) Title() lang.Text { return lang.T(formats[f].title) }

// Columns reports whether rows are cells below a header; Options.ID can name one.
func (f Format) Columns() bool { return formats[f].columns }

// Fields reports whether rows are objects; Options.ID can name a field.
func (f Format) Fields() bool { return formats[f].fields }

// Whole reports whether an output of the format is written as a whole; see Reader.Assemble.
func (f Format) Whole() bool { return formats[f].whole }

// Output returns the default output format for rows of this format: plain lines become CSV.
func (f Format) Output() Format {
	if outputs := formats[f].outputs; len(outputs) > 0 {
		return outputs[0]
	}
	return f
}

// FormatOf returns the format of a file's extension. A .txt may also hold a table, which Detect detects.
func FormatOf(name string) (format Format, known bool) {
	end := strings.ToLower(filepath.Ext(name))
	for _, f := range Formats {
		if slices.Contains(formats[f].extensions, end) {
			return f, true
		}
	}
	return "", false
}

// OutputFor returns the output format for rows of this format in a file of that name, read from a file named input. A name
// without a known extension allows any. It returns an *Error if the name's format is impossible.
func (f Format) OutputFor(name, input string) (Format, error) {
	macros := func(name string) bool { return strings.EqualFold(filepath.Ext(name), ".xlsm") }
	if macros(name) && !macros(input) || f == XLSX && macros(input) && strings.EqualFold(filepath.Ext(name), ".xlsx") {
		return "", broken(0, "%s cannot be written: a workbook with macros is named .xlsm, and one without .xlsx", name)
	}
	named, known := FormatOf(name)
	can := formats[f].outputs
	switch {
	case !known && !other(name):
		return f.Output(), nil
	case slices.Contains(can, named):
		return named, nil
	case named == Lines && f.Columns() && f != XLSX:
		return f.Output(), nil // a spreadsheet's "Unicode text" is a table with extension .txt
	}
	var ends []string
	for _, c := range can {
		ends = append(ends, formats[c].extensions[0])
	}
	return "", broken(0, "%s cannot be written: rows of %s can become %s", name, f.Title(), strings.Join(ends, ", "))
}

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

// notRead lists the extensions of files that people keep rows in and that are not read; packed, of those to unpack first.
var (
	notRead = strings.Fields(".xls .xlt .xltx .xltm .xlsb .et .ett .ods .fods .ots .numbers .dbf .mdb .accdb .db .pdf .doc .docx .wps .html .htm .mht .xml")
	packed  = strings.Fields(".gz .zip .bz2 .xz .zst .7z .rar")
)

// other reports whether a name is that of such a file.
func other(name string) bool {
	end := strings.ToLower(filepath.Ext(name))
	return slices.Contains(notRead, end) || slices.Contains(packed, end)
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
