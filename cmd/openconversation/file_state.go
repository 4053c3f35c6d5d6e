package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// stateSchema is the version of runState. Files of another are refused.
const stateSchema = 1

// runState says what an output file that is not complete belongs to. It lies beside the file and holds no secret.
type runState struct {
	Schema int    `json:"schema"`
	PID    int    `json:"pid"`
	App    string `json:"app"`   // digest of app key and host
	Input  string `json:"input"` // digest of the input file; empty for a stream
	Format string `json:"format"`
	Column string `json:"column"`
	Retry  bool   `json:"retry"` // a --retry-failed, which writes another file beside

	// Converted holds results behind the first row that is not in the output: of calls that were under way when the
	// run stopped.
	Converted map[string]string `json:"converted,omitempty"`
}

func statePath(output string) string { return output + ".state" }

// identity is a digest of an app and the host that it is called at.
func identity(appKey, host string) string {
	sum := sha256.Sum256([]byte(appKey + "\n" + host))
	return hex.EncodeToString(sum[:])
}

// save writes the state so that it is never there in part. The lock of the output is held, so nobody else writes it.
func (s runState) save(output string) (err error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	temp, err := os.Create(newStatePath(output))
	if err != nil {
		return err
	}
	_, err = temp.Write(append(raw, '\n'))
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return errors.Join(err, os.Remove(newStatePath(output)))
	}
	return os.Rename(newStatePath(output), statePath(output))
}

// newStatePath is where a state is while it is written. A run that is killed then leaves it, and the next replaces it.
func newStatePath(output string) string { return statePath(output) + ".new" }

// loadState reads the state of an output. It is nil if there is none.
func loadState(output string) (*runState, error) {
	raw, err := os.ReadFile(statePath(output))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := new(runState)
	if err := json.Unmarshal(raw, s); err != nil {
		return nil, usageError("%s is corrupt: %w", statePath(output), err)
	}
	if s.Schema != stateSchema {
		return nil, usageError("%s is of schema %d, and this command's is %d: finish the run with the version that began it", statePath(output), s.Schema, stateSchema)
	}
	return s, nil
}

// mustMatch refuses to go on with a run that was begun otherwise.
func (s *runState) mustMatch(now runState, output string) error {
	differ := func(what string) error {
		return usageError("%s cannot be continued: it was begun with another %s (see %s)", output, what, statePath(output))
	}
	switch {
	case s.App != now.App:
		return differ("app, region or host")
	case s.Input == "":
		return usageError("%s cannot be continued: its input was a stream", output)
	case s.Input != now.Input:
		return differ("input, or the input has changed since")
	case s.Format != now.Format:
		return differ("format")
	case s.Column != now.Column:
		return differ("column or field")
	}
	return nil
}

// lockedBy is the refusal of an output that another process writes.
func lockedBy(output string) error {
	who := "another process"
	for _, path := range []string{output, forcePath(output)} { // the second stands beside what an earlier run left
		if s, err := loadState(path); err == nil && s != nil && s.PID > 0 {
			who = fmt.Sprintf("process %d", s.PID)
		}
	}
	return usageError("%s is being written by %s", output, who)
}

var errLocked = errors.New("locked by another process")
