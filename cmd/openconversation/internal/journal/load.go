package journal

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/explain"
)

// load reads the file's lines.
func (j *Journal) load() error {
	err := j.read(1 << 62)
	if err == nil && j.void() { // as if the round had not begun
		end := j.all
		*j = Journal{Name: j.Name, Path: j.Path, want: j.want, file: j.file, stop: j.stop, size: j.size, pid: j.pid}
		err = j.read(end)
	}
	return err
}

// read reads the lines up to an offset.
func (j *Journal) read(limit int64) error {
	info, err := j.file.Stat()
	if err != nil {
		return err
	}
	j.outputs = map[string]bool{}
	j.index.fit(int(min(info.Size(), limit) / usualLine)) // growing would need both sizes at once
	in := bufio.NewReaderSize(io.NewSectionReader(j.file, 0, limit), 256<<10)
	for offset := int64(0); ; {
		raw, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		at, whole := offset, err == nil
		offset += int64(len(raw))
		text := bytes.TrimSuffix(raw, []byte("\n"))
		l, known := decode(text)
		switch {
		case at == 0 && !whole && (bytes.HasPrefix(start, text) || bytes.HasPrefix(text, start)):
			return nil // killed while it was created
		case at == 0:
			err = j.header(l, known)
		case len(text) == 0 && whole:
			continue
		case len(text) == 0:
			return nil
		case !known || !whole:
			j.Skipped++
			err = nil
		default:
			err = j.learn(l, at)
		}
		if err != nil || !whole {
			return err
		}
		j.end = offset
	}
}

// header checks the first line.
func (j *Journal) header(l line, known bool) error {
	path := j.Path
	switch {
	case !known || l.Format != format || !isMark(l.Mark):
		return explain.UsageHint("move it away if it is not needed; what is in it would be called again", "%s is no journal of this command's, or its first line is damaged", path)
	case l.Version != version:
		return explain.Usage("%s is of version %d, and this command's is %d: finish the run with the version that began it", path, l.Version, version)
	}
	j.mark = l.Mark
	return j.learn(l, 0)
}
