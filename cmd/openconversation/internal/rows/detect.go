package rows

import (
	"errors"
	"io"
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

// detectSize is how many bytes Detect reads for the format.
const detectSize = 64 << 10

// Detect detects the format and the encoding of a file that can be read twice, and leaves the file at its start.
// Without a given encoding it reads the whole file. name may be empty; its extension decides the format if o does not.
func Detect(file io.ReadSeeker, name string, o Options) (Options, error) {
	start := make([]byte, detectSize)
	n, err := io.ReadFull(file, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return o, err
	}
	start = start[:n]
	if err := unsupportedContent(start); err != nil {
		return o, err
	}
	if err := unsupportedName(name); err != nil && o.Format == "" && !isZip(start) {
		if guess := Sniff(start).Format; strings.EqualFold(filepath.Ext(name), ".xls") && n > 0 {
			return o, settled(PartFormat, 0, "it is named like an Excel workbook, and is text; read it with --format %s, or give it another name", string(guess))
		}
		return o, err
	}
	if err := o.chooseFormat(start, name); err != nil {
		return o, err
	}
	if _, err = file.Seek(0, io.SeekStart); err == nil && o.Encoding == "" && o.Format != XLSX {
		if o.Encoding, err = detectEncoding(file); err == nil {
			_, err = file.Seek(0, io.SeekStart)
		}
	}
	return o, err
}

func (o *Options) chooseFormat(start []byte, name string) error {
	named, known := FormatOf(name)
	guess := Sniff(start)
	switch {
	case o.Format != "":
	case !known && guess.Format == Lines && name != "":
		return settled(PartFormat, 0, "what is in it?")
	case !known, named == Lines && guess.Format != XLSX:
		o.Format = guess.Format
	default:
		o.Format = named
	}
	switch {
	case guess.Format == XLSX && o.Format != XLSX:
		return settled(PartFormat, 0, "it is an xlsx workbook, and not %s", o.Format.Title())
	case o.Format == XLSX && guess.Format != XLSX:
		return settled(PartFormat, 0, "it is no xlsx workbook; it looks like %s", guess.Format.Title())
	}
	return nil
}

// Guess is the format guessed from the start of a file.
type Guess struct {
	Format Format    // Lines by default
	Why    lang.Text // a sentence for a notice or a refusal; empty for Lines
}

// sniffed is the number of lines to examine.
const sniffed = 50

// Sniff guesses the format from the first bytes of a file or stream; a few kilobytes are enough.
func Sniff(start []byte) Guess {
	if isZip(start) {
		return Guess{XLSX, lang.T("it is a zip file, as xlsx workbooks are")}
	}
	text := decodedStart(start)
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(trimmed, "{"):
		return Guess{JSONLines, lang.T("it begins with { as JSON Lines do")}
	case strings.HasPrefix(trimmed, "["):
		if rest := strings.TrimSpace(trimmed[1:]); rest == "" || strings.ContainsAny(rest[:1], `{]"`) {
			return Guess{JSONArray, lang.T("it begins with [ as JSON does")}
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
			return Guess{CSV, lang.T("its first line is %s, as spreadsheets write it", line)}
		}
		if blank(line) || strings.HasPrefix(line, "#") {
			continue
		}
		if counted++; counted == 1 {
			if guess, is := sniffHeader(line); is {
				return guess
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
			return Guess{tableOf(Delimiters[at]), lang.T("most of its lines hold %s", delimiterTitle(Delimiters[at]))}
		}
	}
	return Guess{Format: Lines}
}

func tableOf(separator byte) Format {
	if separator == '\t' {
		return TSV
	}
	return CSV
}

// sniffHeader reports whether a line has the name of the chat ids' column.
func sniffHeader(line string) (Guess, bool) {
	for _, separator := range []byte(Delimiters) {
		cells := firstRecord(line, separator)
		for _, cell := range cells {
			if !usual(cell) {
				continue
			}
			if len(cells) == 1 {
				separator = ','
			}
			return Guess{tableOf(separator), lang.T("its first line names a column %s", visible(cell))}, true
		}
	}
	return Guess{}, false
}
