package output

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// newMark makes a run's random mark.
func newMark() string {
	raw := make([]byte, 8)
	_, _ = rand.Read(raw) // never fails
	return hex.EncodeToString(raw)
}

// The names of side files.
func statePath(output string) string         { return output + ".state" }
func spareStatePath(output, m string) string { return output + ".state." + m }
func sidePath(output, m, what string) string { return output + "." + m + "." + what }

// The purposes of side files, the last part of their names.
const (
	retrySide = "retry"
	forceSide = "force"
	rowsSide  = "rows"
	newSide   = "new"
)

// sideName matches the part of a side file's name after the output's name.
var sideName = regexp.MustCompile(`^\.(?:state(?:\.[0-9a-f]{16})?|([0-9a-f]{16})\.(?:retry|force|rows|new)(?:\.state(?:\.[0-9a-f]{16})?)?)$`)

// IsSide reports whether path is the name of a side file of an output.
func IsSide(path, output string) bool {
	a, err := filepath.Abs(path)
	b, err2 := filepath.Abs(output)
	rest, found := strings.CutPrefix(a, b)
	return err == nil && err2 == nil && found && sideName.MatchString(rest)
}

// create creates a side file, with the mode of the output.
func create(path string, mode fs.FileMode) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Chmod(mode); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return nil, errors.Join(err, file.Close(), os.Remove(path))
	}
	return file, nil
}

// removeLeftovers removes side files of killed runs: of a --force without a result, and states being written. The lock
// is held, so no other run is active; current is the mark of files still needed.
func removeLeftovers(output, current string) error {
	var failed error
	for _, rest := range beside(output) {
		name := output + rest
		switch m := sideName.FindStringSubmatch(rest); {
		case m == nil || rest == ".state":
		case strings.HasPrefix(rest, ".state."):
			if begins(name, strings.TrimPrefix(rest, ".state.")) {
				failed = errors.Join(failed, removeIfThere(name))
			}
		case m[1] != current && strings.HasSuffix(rest, "."+forceSide+".state"):
			if begins(name, m[1]) { // the mark in the state proves that the side files are a run's
				base := strings.TrimSuffix(name, ".state")
				failed = errors.Join(failed, removeIfThere(base), removeIfThere(sidePath(output, m[1], rowsSide)), removeIfThere(spareStatePath(base, m[1])), removeIfThere(name))
			}
		}
	}
	return failed
}

// beside returns the suffixes of all files whose names begin with the output's name and a dot; none if the folder
// cannot be listed. It does not use a glob pattern, which cannot express every name on Windows.
func beside(output string) (rests []string) {
	files, _ := os.ReadDir(filepath.Dir(output))
	for _, file := range files {
		if rest, is := strings.CutPrefix(file.Name(), filepath.Base(output)); is && strings.HasPrefix(rest, ".") {
			rests = append(rests, rest)
		}
	}
	return rests
}

// begins reports whether a file begins like every state with this mark. A file from a killed run may be empty.
func begins(name, mark string) bool {
	file, err := os.Open(name)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // it was only read
	want := []byte(`{"mark":"` + mark + `"`)
	got := make([]byte, len(want))
	n, err := io.ReadFull(file, got)
	return bytes.HasPrefix(want, got[:n]) && (n == len(want) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF))
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
