package dingtalkredis

import (
	"strings"
	"testing"
	"time"
)

func TestSeal(t *testing.T) {
	mine, err := newSeal("secret")
	if err != nil {
		t.Fatal(err)
	}
	other, err := newSeal("another")
	if err != nil {
		t.Fatal(err)
	}
	sealed := mine.close("name", "token", time.Hour)
	if strings.Contains(sealed, "token") || sealed == mine.close("name", "token", time.Hour) {
		t.Error("it can be read, or looks the same twice")
	}
	if token, err := mine.open("name", sealed); token != "token" || err != nil {
		t.Errorf("open() = %q, %v", token, err)
	}
	if token, err := other.open("name", sealed); err == nil {
		t.Errorf("another secret opened it: %q", token)
	}
	if token, err := mine.open("elsewhere", sealed); err == nil {
		t.Errorf("it was opened under another name: %q", token)
	}
	for n := range len(sealed) {
		if token, err := mine.open("name", sealed[:n]); err == nil {
			t.Errorf("its first %d bytes were opened: %q", n, token)
		}
		spoilt := []byte(sealed)
		spoilt[n] ^= 1
		if token, err := mine.open("name", string(spoilt)); err == nil {
			t.Errorf("with byte %d changed it was opened: %q", n, token)
		}
	}
}
