package rows

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// OutputFor returns the output format for rows of this format in a file of that name, read from a file named
// input. A name without a known extension
// allows any. It returns an *Error if the name's format is impossible.
func (f Format) OutputFor(name, input string) (Format, error) {
	macros := func(name string) bool { return strings.EqualFold(filepath.Ext(name), ".xlsm") }
	if macros(name) && !macros(input) || f == XLSX && macros(input) && strings.EqualFold(filepath.Ext(name), ".xlsx") {
		return "", broken(0, "%s cannot be written: a workbook with macros is named .xlsm, and one without .xlsx", name)
	}
	if err := unsupportedName(name); err != nil {
		return "", err
	}
	named, known := FormatOf(name)
	can := formats[f].outputs
	switch {
	case !known:
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
	if err := unsupportedName(name); err != nil && o.Format == "" && looks != XLSX {
		if strings.EqualFold(filepath.Ext(name), ".xls") && len(start) > 0 {
			err = settled(PartFormat, 0, "it is named like an Excel workbook, and is text; read it with --format %s, or give it another name", string(looks))
		}
		return o, why, err
	}
	switch {
	case o.Format != "":
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
			if format, why, is := sniffHeader(line); is {
				return format, why
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

// sniffHeader reports whether a line has the name of the chat ids' column.
func sniffHeader(line string) (format Format, why lang.Text, is bool) {
	for _, separator := range []byte(Delimiters) {
		cells := firstRecord(line, separator)
		for _, cell := range cells {
			if !usual(cell) {
				continue
			}
			if len(cells) == 1 {
				separator = ','
			}
			return tableOf(separator), lang.T("its first line names a column %s", visible(cell)), true
		}
	}
	return "", lang.Text{}, false
}
