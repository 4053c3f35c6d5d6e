package rows

import (
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"path/filepath"
	"slices"
	"strings"
)

// Format is how a file holds its rows.
type Format string

// The formats.
const (
	Lines     Format = "lines" // one chat id a line; blank lines and lines that begin with # do not count
	CSV       Format = "csv"   // with a header; separated by commas, semicolons, tabs or bars
	TSV       Format = "tsv"   // the same with tabs, and CSV's quotes
	JSONLines Format = "jsonl" // one JSON object a line
	JSONArray Format = "json"  // one array of objects
	XLSX      Format = "xlsx"  // a sheet of a workbook, with a header
)

// Formats are all formats.
var Formats = []Format{Lines, CSV, TSV, JSONLines, JSONArray, XLSX}

// abilities are what a format can do.
type abilities struct {
	title      lang.Format
	extensions []string // the first is what a file of it is best called
	columns    bool     // its rows are cells below a header
	fields     bool     // its rows are objects
	separator  byte     // where nothing else is found; 0 if it has none
	outputs    []Format // what its rows can be written as; the first is what they are where nobody says
	journaled  bool     // as an output, it cannot be written row by row
}

var formats = map[Format]abilities{
	Lines:     {title: "plain lines", extensions: []string{".txt"}, separator: 0, outputs: []Format{CSV, TSV, XLSX}},
	CSV:       {title: "CSV", extensions: []string{".csv"}, columns: true, separator: ',', outputs: []Format{CSV, XLSX}},
	TSV:       {title: "TSV", extensions: []string{".tsv", ".tab"}, columns: true, separator: '\t', outputs: []Format{TSV, XLSX}},
	JSONLines: {title: "JSON Lines", extensions: []string{".jsonl", ".ndjson"}, fields: true, outputs: []Format{JSONLines}},
	JSONArray: {title: "a JSON array", extensions: []string{".json"}, fields: true, outputs: []Format{JSONArray}, journaled: true},
	XLSX:      {title: "an xlsx workbook", extensions: []string{".xlsx", ".xlsm"}, columns: true, outputs: []Format{XLSX}, journaled: true},
}

// Title is what a sentence calls the format.
func (f Format) Title() lang.Text { return lang.T(formats[f].title) }

// Columns reports whether the rows are cells below a header, one of which Options.ID can name.
func (f Format) Columns() bool { return formats[f].columns }

// Fields reports whether the rows are objects, a field of which Options.ID can name.
func (f Format) Fields() bool { return formats[f].fields }

// Journaled reports whether an output of the format is made of a journal at the end; see Reader.Assemble.
func (f Format) Journaled() bool { return formats[f].journaled }

// Output is the format in which rows of this format are written back where nobody says: plain lines become CSV.
func (f Format) Output() Format {
	if outputs := formats[f].outputs; len(outputs) > 0 {
		return outputs[0]
	}
	return f
}

// FormatOf tells a file's format by the end of its name. A .txt may hold a table as well, which Detect finds out.
func FormatOf(name string) (format Format, known bool) {
	end := strings.ToLower(filepath.Ext(name))
	for _, f := range Formats {
		if slices.Contains(formats[f].extensions, end) {
			return f, true
		}
	}
	return "", false
}
