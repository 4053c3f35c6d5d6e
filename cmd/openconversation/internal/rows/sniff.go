package rows

import (
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

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
