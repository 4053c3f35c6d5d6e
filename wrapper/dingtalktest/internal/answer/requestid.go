package answer

import (
	"encoding/hex"
	"math/rand/v2"
)

// newRequestID makes up a request id of the form that captured answers have: an upper-case UUID.
func newRequestID() string {
	var raw [16]byte
	high, low := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		raw[i], raw[8+i] = byte(high>>(8*i)), byte(low>>(8*i))
	}
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[:8], raw[:4])
	hex.Encode(text[9:13], raw[4:6])
	hex.Encode(text[14:18], raw[6:8])
	hex.Encode(text[19:23], raw[8:10])
	hex.Encode(text[24:], raw[10:])
	for i, b := range text {
		switch {
		case b == 0:
			text[i] = '-'
		case b >= 'a':
			text[i] = b - 'a' + 'A'
		}
	}
	return string(text[:])
}
