package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// stateSchema is the version of State. Other versions are refused.
const stateSchema = 2

// State identifies the run of an incomplete output. It is a side file and holds no secret.
type State struct {
	Mark   string `json:"mark"` // of the run's side files; must be the first field
	Schema int    `json:"schema"`
	PID    int    `json:"pid"`
	App    string `json:"app"`   // digest of app key and host
	Input  string `json:"input"` // digest of the input file; empty for a stream
	Format string `json:"format"`
	Column string `json:"column"`
	Shape  string `json:"shape"` // encoding, separator and sheet of input and output
	Retry  bool   `json:"retry"` // a --retry-failed, which has a side file of its own

	// Converted holds results that are not in the output: those after the first row that could not be written.
	Converted map[string]string `json:"converted,omitempty"`
}

// roomFor is the space per conversion in the state, in bytes. DingTalk's ids need a quarter of it.
const roomFor = 512

// save writes the state of an output atomically, and reserves space for the next state with room conversions, in case
// the disk is full by then. The output's lock is held, so nobody else writes it.
func (s State) save(output string, mode fs.FileMode, room int) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	spare := spareStatePath(output, s.Mark)
	file, err := os.OpenFile(spare, os.O_WRONLY, 0) // the reserved space
	if errors.Is(err, fs.ErrNotExist) {
		file, err = create(spare, mode)
	}
	if err != nil {
		return err
	}
	_, err = file.Write(append(raw, '\n'))
	if err == nil {
		err = file.Truncate(int64(len(raw) + 1))
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, removeIfThere(spare))
	}
	if err := os.Rename(spare, statePath(output)); err != nil {
		return errors.Join(err, removeIfThere(spare))
	}
	if room == 0 {
		return nil
	}
	if file, err = create(spare, mode); err != nil {
		return err
	}
	_, err = file.Write(append(raw, bytes.Repeat([]byte{' '}, room*roomFor)...))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, removeIfThere(spare))
	}
	return nil
}

// remove removes the state of an output and the reserved space.
func (s State) remove(output string) error {
	return errors.Join(removeIfThere(spareStatePath(output, s.Mark)), removeIfThere(statePath(output)))
}

// load reads the state of an output, or returns nil if there is none.
func load(output string) (*State, error) {
	raw, err := os.ReadFile(statePath(output))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := new(State)
	if err := json.Unmarshal(raw, s); err != nil {
		return nil, explain.Usage("%s is corrupt, or no state of this command's", statePath(output))
	}
	switch {
	case s.Schema != stateSchema:
		return nil, explain.Usage("%s is of schema %d, and this command's is %d: finish the run with the version that began it", statePath(output), s.Schema, stateSchema)
	case !sideName.MatchString("." + s.Mark + ".rows"):
		return nil, explain.Usage("%s is corrupt, or no state of this command's", statePath(output))
	}
	return s, nil
}

// mustMatch refuses to continue a run with other settings.
func (s *State) mustMatch(now State, output string) error {
	differ := func(format lang.Format) error { return explain.Usage(format, output, statePath(output)) }
	switch {
	case s.App != now.App:
		return differ("%s cannot be continued: it was begun with another app, region or host (see %s)")
	case s.Input == "":
		return explain.Usage("%s cannot be continued: its input was a stream", output)
	case s.Input != now.Input:
		return differ("%s cannot be continued: it was begun with another input, or the input has changed since (see %s)")
	case s.Format != now.Format:
		return differ("%s cannot be continued: it was begun with another format (see %s)")
	case s.Column != now.Column:
		return differ("%s cannot be continued: it was begun with another column or field (see %s)")
	case s.Shape != now.Shape:
		return differ("%s cannot be continued: it was begun with another encoding, separator or sheet (see %s)")
	}
	return nil
}

// lockedBy makes the error of an output that another process writes.
func lockedBy(output string) error {
	states, by := []string{output}, 0
	for _, rest := range beside(output) {
		if force, is := strings.CutSuffix(rest, ".state"); is && strings.HasSuffix(force, "."+forceSide) {
			states = append(states, output+force)
		}
	}
	for _, path := range states { // the second is next to a file left by an earlier run
		if s, err := load(path); err == nil && s != nil && s.PID > 0 {
			by = s.PID
		}
	}
	if by > 0 {
		return explain.Usage("%s is being written by process %d", output, by)
	}
	return explain.Usage("%s is being written by another process", output)
}

var errLocked = lang.Errorf("locked by another process")
