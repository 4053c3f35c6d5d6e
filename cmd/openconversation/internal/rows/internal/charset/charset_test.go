package charset_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows/internal/charset"
)

// Every character comes out as it went in, but for the two that have two forms.
func TestEveryCharacterOfGB(t *testing.T) {
	others := map[string]string{"gbk a2e3": "\x80", "gb18030 80": "\xa2\xe3", "gbk a3a0": "\xa1\xa1", "gb18030 a3a0": "\xa1\xa1"}
	for _, e := range []charset.Encoding{charset.GBK, charset.GB18030} {
		count := 0
		try := func(src ...byte) {
			text, rest, err := charset.Decode(e, nil, src)
			if err != nil || rest != 0 {
				return
			}
			count++
			back, err := charset.Encode(e, nil, text, nil)
			if err != nil || !bytes.Equal(back, src) && !strings.HasPrefix(others[fmt.Sprintf("%s %x", e, src)], string(back)) {
				t.Errorf("%s: %x is %q, which is written %x, %v", e, src, text, back, err)
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
		if want := map[charset.Encoding]int{charset.GBK: 22002, charset.GB18030: 1_109_998}[e]; count != want {
			t.Errorf("%s: %d characters, want %d", e, count, want)
		}
	}
}

func TestDecode(t *testing.T) {
	tests := []struct {
		name string
		e    charset.Encoding
		in   string
		want string
		rest int
		bad  int // offset of what cannot be decoded, from 1
	}{
		{"UTF-8", charset.UTF8, "a群", "a群", 0, 0},
		{"UTF-8, cut", charset.UTF8, "a\xe7\xbe", "a", 2, 0},
		{"Latin-1", charset.UTF8, "a\xe9 b", "", 0, 2},
		{"little end first", charset.UTF16LE, "a\x00\xa4\x7f\x3d\xd8\x00\xde", "a群😀", 0, 0},
		{"big end first", charset.UTF16BE, "\x00a\x7f\xa4", "a群", 0, 0},
		{"half a unit", charset.UTF16LE, "a\x00b", "a", 1, 0},
		{"half a pair", charset.UTF16LE, "a\x00\x3d\xd8", "a", 2, 0},
		{"a lone surrogate", charset.UTF16LE, "a\x00\x3d\xd8b\x00", "", 0, 3},
		{"a lone second surrogate", charset.UTF16BE, "\xde\x00\x00a", "", 0, 1},
		{"GBK", charset.GBK, "a\xc8\xba,", "a群,", 0, 0},
		{"GBK, cut", charset.GBK, "a\xc8", "a", 1, 0},
		{"GBK has two bytes at most", charset.GBK, "a\x94\x39\xfc\x36", "", 0, 2},
		{"GB18030", charset.GB18030, "\x94\x39\xfc\x36a\xc8\xba", "😀a群", 0, 0},
		{"GB18030, cut", charset.GB18030, "\xc8\xba\x94\x39\xfc", "群", 3, 0},
		{"GB18030, a line end within", charset.GB18030, "a\xc8\nb", "", 0, 2},
		{"GB18030, a code for no character", charset.GB18030, "\xc8\xba\x84\x31\xa5\x30", "", 0, 3},
		{"GB18030, the replacement character itself", charset.GB18030, "\x84\x31\xa4\x37", "\uFFFD", 0, 0},
	}
	for _, tt := range tests {
		text, rest, err := charset.Decode(tt.e, nil, []byte(tt.in))
		var bad *charset.Error
		if errors.As(err, &bad) && (bad.Offset+1 != tt.bad || bad.Byte != tt.in[bad.Offset]) {
			t.Errorf("%s: %v, want offset %d", tt.name, err, tt.bad-1)
		}
		if (err != nil) != (tt.bad != 0) || err == nil && (string(text) != tt.want || rest != tt.rest) {
			t.Errorf("%s: %q, %d, %v, want %q, %d", tt.name, text, rest, err, tt.want, tt.rest)
		}
	}
}

func TestDetect(t *testing.T) {
	long := strings.Repeat("ascii,群聊\n", 60_000)
	gbk, err := charset.Encode(charset.GBK, nil, []byte(long), nil)
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{ // an encoding, or the place of what is in none
		"": "utf-8", long: "utf-8", "\uFEFFa": "utf-8", "\xff\xfea\x00": "utf-16le", "\xfe\xff\x00a": "utf-16be", string(gbk): "gbk", string(gbk) + "\x94\x39\xfc\x36": "gb18030",
		strings.Repeat("a\n", 400_000) + "\xc1\xc4": "gbk", "a\nb\xe7\xbe": "gbk", "a\nb\xe9\n": "line 2, offset 3", "a\nb\xe7": "line 2, offset 3",
	} {
		e, err := charset.Detect(strings.NewReader(in))
		got := string(e)
		var place *charset.PlaceError
		if errors.As(err, &place) {
			got = fmt.Sprintf("line %d, offset %d", place.Line, place.Offset)
		}
		if got != want {
			t.Errorf("%.20q: %s, want %s", in, got, want)
		}
	}
}
