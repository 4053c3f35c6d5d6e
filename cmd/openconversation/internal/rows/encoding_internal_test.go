package rows

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// Every character comes out as it went in, but for the two that have two forms.
func TestEveryCharacterOfGB(t *testing.T) {
	others := map[string]string{"gbk a2e3": "\x80", "gb18030 80": "\xa2\xe3", "gbk a3a0": "\xa1\xa1", "gb18030 a3a0": "\xa1\xa1"}
	for _, e := range []Encoding{GBK, GB18030} {
		count := 0
		try := func(src ...byte) {
			text, rest, bad := e.decode(nil, src)
			if bad >= 0 || rest != 0 {
				return
			}
			count++
			back := e.encode(text, func(rune) string { return "lacks" })
			if !bytes.Equal(back, src) && !strings.HasPrefix(others[fmt.Sprintf("%s %x", e, src)], string(back)) {
				t.Errorf("%s: %x is %q, which is written %x", e, src, text, back)
			}
		}
		for a := range 256 {
			try(byte(a))
			for b := range 256 {
				if a < 0x81 {
					break
				}
				try(byte(a), byte(b))
				for c := 0x81; b >= 0x30 && b <= 0x39 && c <= 0xFE; c++ {
					for d := 0x30; d <= 0x39; d++ {
						try(byte(a), byte(b), byte(c), byte(d))
					}
				}
			}
		}
		if want := map[Encoding]int{GBK: 22002, GB18030: 1_109_998}[e]; count != want {
			t.Errorf("%s: %d characters, want %d", e, count, want)
		}
	}
}

func TestDecode(t *testing.T) {
	tests := []struct {
		name     string
		e        Encoding
		in, want string
		rest     int
		bad      int
	}{
		{"UTF-8", UTF8, "a群\uFFFD", "a群\uFFFD", 0, -1},
		{"UTF-8, cut", UTF8, "a\xe7\xbe", "a", 2, -1},
		{"Latin-1", UTF8, "a\uFFFD\xe9 b", "a\uFFFD", 0, 4},
		{"little end first", UTF16LE, "a\x00\xa4\x7f\x3d\xd8\x00\xde", "a群😀", 0, -1},
		{"big end first", UTF16BE, "\x00a\x7f\xa4", "a群", 0, -1},
		{"half a unit", UTF16LE, "a\x00b", "a", 1, -1},
		{"half a pair", UTF16LE, "a\x00\x3d\xd8", "a", 2, -1},
		{"a lone surrogate", UTF16LE, "a\x00\x3d\xd8b\x00", "a", 0, 2},
		{"a lone second surrogate", UTF16BE, "\xde\x00\x00a", "", 0, 0},
		{"GBK", GBK, "a\xc8\xba,", "a群,", 0, -1},
		{"GBK, cut", GBK, "a\xc8", "a", 1, -1},
		{"GBK has two bytes at most", GBK, "a\x94\x39\xfc\x36", "a", 0, 1},
		{"GB18030", GB18030, "\x94\x39\xfc\x36a\xc8\xba", "😀a群", 0, -1},
		{"GB18030, cut", GB18030, "\xc8\xba\x94\x39\xfc", "群", 3, -1},
		{"GB18030, a line end within", GB18030, "a\xc8\nb", "a", 0, 1},
		{"GB18030, a code for no character", GB18030, "\xc8\xba\x84\x31\xa5\x30", "群", 0, 2},
		{"GB18030, the replacement character itself", GB18030, "\x84\x31\xa4\x37", "\uFFFD", 0, -1},
	}
	for _, tt := range tests {
		if text, rest, bad := tt.e.decode(nil, []byte(tt.in)); string(text) != tt.want || rest != tt.rest || bad != tt.bad {
			t.Errorf("%s: %q, %d, %d, want %q, %d, %d", tt.name, text, rest, bad, tt.want, tt.rest, tt.bad)
		}
	}
}

func TestDetectEncoding(t *testing.T) {
	long := strings.Repeat("ascii,群聊\n", 60_000)
	gbk := string(GBK.encode([]byte(long), nil))
	const nowhere = "line 2: the byte 0xE9 at offset 3 of the file is neither UTF-8 nor GB18030 nor Big5; save it as UTF-8, or name its encoding"
	for in, want := range map[string]string{
		"": "utf-8", long: "utf-8", "\uFEFFa": "utf-8", "\xff\xfea\x00": "utf-16le", "\xfe\xff\x00a": "utf-16be", gbk: "gbk", gbk + "\x94\x39\xfc\x36": "gb18030",
		strings.Repeat("a\n", 400_000) + "\xc1\xc4": "gbk", "a\nb\xe7\xbe": "gbk", "a\nb\xe9\n": nowhere, "a\nb\xe9": nowhere,
	} {
		if e, err := DetectEncoding(strings.NewReader(in)); string(e) != want && (err == nil || err.Error() != want) {
			t.Errorf("%.20q: %s, %v, want %s", in, e, err, want)
		}
	}
}
