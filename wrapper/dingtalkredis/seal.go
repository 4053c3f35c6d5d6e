package dingtalkredis

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"time"
)

// schema is part of every key. A changed format gets a new schema, so old and new versions of this package can run side by side.
const schema = "2"

// seal encrypts tokens by AES-256-GCM, with a key derived from the app secret and a random nonce. It authenticates the
// name of the Redis key, too, so a value cannot be moved to another key.
type seal struct{ aead cipher.AEAD }

func newSeal(secret string) (*seal, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "openconversation: access tokens in Redis, schema "+schema, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &seal{aead}, nil
}

// close seals a token. Before it stands, to be read by anybody, how many ms it has left when it is due for renewal.
func (s *seal) close(name, token string, due time.Duration) string {
	left := strconv.FormatInt(due.Milliseconds(), 10)
	return left + " " + string(s.aead.Seal(nil, nil, []byte(token), []byte(name+" "+left)))
}

var errForeign = errors.New("dingtalkredis: the value is not one of this app's")

// open is the inverse of close.
func (s *seal) open(name, sealed string) (string, error) {
	left, sealed, _ := strings.Cut(sealed, " ")
	token, err := s.aead.Open(nil, nil, []byte(sealed), []byte(name+" "+left))
	if err != nil || len(token) == 0 {
		return "", errForeign
	}
	return string(token), nil
}
