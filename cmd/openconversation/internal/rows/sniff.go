package rows

import (
	"errors"
	"io"
	"strings"
)

// Guess is what the beginning of a file looks like.
type Guess struct {
	Format Format // Lines, if nothing speaks for another
	Why    string // a sentence for a notice or a refusal; empty for Lines
}

// sniffed is how many lines are looked at.
const sniffed = 50

// Sniff says what the first bytes of a file or stream look like: a few kilobytes are enough.
func Sniff(start []byte) Guess {
	if isZip(start) {
		return Guess{XLSX, "it is a zip file, as xlsx workbooks are"}
	}
	text := decodedStart(start)
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(trimmed, "{"):
		return Guess{JSONLines, "it begins with { as JSON Lines do"}
	case strings.HasPrefix(trimmed, "["):
		if rest := strings.TrimSpace(trimmed[1:]); rest == "" || strings.ContainsAny(rest[:1], `{]"`) {
			return Guess{JSONArray, "it begins with [ as JSON does"}
		}
	}
	list := strings.Split(text, "\n")
	if len(list) > 1 && len(start) > 0 {
		list = list[:len(list)-1] // the last may be cut
	}
	counted, having := 0, [len(Delimiters)]int{}
	for i, line := range list[:min(len(list), sniffed)] {
		line = strings.TrimSuffix(line, "\r")
		if i == 0 && separatorLine(line) != 0 {
			return Guess{CSV, "its first line is " + line + ", as spreadsheets write it"}
		}
		if blank(line) || strings.HasPrefix(line, "#") {
			continue
		}
		if counted++; counted == 1 {
			if guess, is := sniffHeader(line); is {
				return guess
			}
		}
		line = strings.TrimSpace(line) // an id may be indented
		for at := range Delimiters {
			if strings.IndexByte(line, Delimiters[at]) >= 0 {
				having[at]++
			}
		}
	}
	for at, count := range having {
		if 2*count > counted {
			return Guess{tableOf(Delimiters[at]), "most of its lines hold " + delimiterTitle(Delimiters[at])}
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

// sniffHeader is whether a line names the column of the chat ids.
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
			return Guess{tableOf(separator), "its first line names a column " + visible(cell)}, true
		}
	}
	return Guess{}, false
}

// detectSize is how much of a file Detect looks at for its format.
const detectSize = 64 << 10

// Detect settles the format and the encoding of a file that can be read twice. It reads the whole of it where the
// encoding is not named, and leaves it at its beginning. name may be empty; its end tells the format where o does not.
func Detect(file io.ReadSeeker, name string, o Options) (Options, error) {
	if o.Format == "" {
		if err := unsupportedName(name); err != nil {
			return o, err
		}
	}
	start := make([]byte, detectSize)
	n, err := io.ReadFull(file, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return o, err
	}
	start = start[:n]
	if err := unsupportedContent(start); err != nil {
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
