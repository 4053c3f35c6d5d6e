package rows

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
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
