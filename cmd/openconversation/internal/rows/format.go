package rows

import (
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
