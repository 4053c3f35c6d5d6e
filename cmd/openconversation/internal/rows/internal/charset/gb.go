package charset

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// lengthGB returns the length in bytes of src's first character: 0 if it is invalid, -1 if it is incomplete.
func lengthGB(e Encoding, src []byte) int {
	in := func(i int, low, high byte) bool { return src[i] >= low && src[i] <= high }
	switch {
	case src[0] < 0x80, src[0] == 0x80 && e == GBK: // 0x80 is the euro sign of code page 936
		return 1
	case !in(0, 0x81, 0xFE):
		return 0
	case len(src) < 2:
		return -1
	case in(1, 0x40, 0x7E), in(1, 0x80, 0xFE):
		return 2
	case e == GBK || !in(1, 0x30, 0x39):
		return 0
	case len(src) < 3:
		return -1
	case !in(2, 0x81, 0xFE):
		return 0
	case len(src) < 4:
		return -1
	case !in(3, 0x30, 0x39):
		return 0
	}
	return 4
}

func codecGB(e Encoding) encoding.Encoding {
	if e == GBK {
		return simplifiedchinese.GBK
	}
	return simplifiedchinese.GB18030
}

func decodeGB(e Encoding, dst, src []byte) ([]byte, int, error) {
	decoder := codecGB(e).NewDecoder()
	for i := 0; i < len(src); {
		if src[i] < 0x80 {
			dst = append(dst, src[i])
			i++
			continue
		}
		end := i // end of the non-ASCII characters
		for end < len(src) && src[end] >= 0x80 {
			n := lengthGB(e, src[end:])
			if n == 0 {
				return dst, 0, &Error{e, end, src[end]}
			}
			if n < 0 {
				break
			}
			end += n
		}
		text, err := decoder.Bytes(src[i:end])
		if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
			if at, bad := unassigned(e, src[i:end]); bad {
				return dst, 0, &Error{e, i + at, src[i+at]}
			}
		}
		dst = append(dst, text...)
		if i = end; i < len(src) && src[i] >= 0x80 {
			return dst, len(src) - i, nil
		}
	}
	return dst, 0, nil
}

// unassigned finds the first unassigned character of src, in a text with a replacement character.
func unassigned(e Encoding, src []byte) (at int, bad bool) {
	for i := 0; i < len(src); {
		n := lengthGB(e, src[i:])
		text, err := codecGB(e).NewDecoder().Bytes(src[i : i+n])
		if err != nil || bytes.ContainsRune(text, utf8.RuneError) && string(src[i:i+n]) != "\x84\x31\xA4\x37" {
			return i, true
		}
		i += n
	}
	return 0, false
}

func encodeGB(e Encoding, dst, text []byte, escape func(r rune) string) ([]byte, error) {
	encoder := codecGB(e).NewEncoder()
	for len(text) > 0 {
		ascii := bytes.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
		if ascii < 0 {
			return append(dst, text...), nil
		}
		dst, text = append(dst, text[:ascii]...), text[ascii:]
		end := bytes.IndexFunc(text, func(r rune) bool { return r < utf8.RuneSelf })
		if end < 0 {
			end = len(text)
		}
		if coded, err := encoder.Bytes(text[:end]); err == nil {
			dst, text = append(dst, coded...), text[end:]
			continue
		}
		for _, r := range string(text[:end]) {
			coded, err := encoder.String(string(r))
			if err != nil {
				if escape == nil {
					return dst, &LacksError{e, r}
				}
				coded = escape(r)
			}
			dst = append(dst, coded...)
		}
		text = text[end:]
	}
	return dst, nil
}
