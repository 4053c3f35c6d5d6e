package rows

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// FindShard returns the shard number, out of of, of an output of r's input, by its first row; 0 if it has no rows. A
// workbook has the rows of all shards, so its first row with a result decides.
func (r *Reader) FindShard(output io.ReadSeeker, of int) (number int, err error) {
	o, err := r.Old(output, Shard{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	for {
		id, told, err := o.nextID()
		if errors.Is(err, io.EOF) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		if told {
			return ShardOf(id, of), nil
		}
	}
}

// nextID returns the id of the next row. told reports whether the row determines the shard.
func (o *Old) nextID() (id string, told bool, err error) {
	if o.object != nil {
		var rec record
		for err == nil && len(bytes.TrimSpace(rec.Raw)) == 0 {
			rec, err = o.object()
		}
		if err != nil {
			return "", false, err
		}
		fields, err := object(rec)
		if err != nil {
			return "", false, err
		}
		raw, _ := lookUp(fields, o.in.objects.name)
		_ = json.Unmarshal(raw, &id) // a row without a text there has the empty id
		id, _ = CleanID(id)
		return id, true, nil
	}
	cells, _, err := o.cells()
	if err != nil {
		return "", false, err
	}
	switch {
	case o.in.table != nil:
		id = cellAt(cells, o.in.table.column)
	case o.in.sheet != nil:
		id = cellAt(cells, o.in.sheet.column)
		told = len(cells) > o.width && !blank(strings.Join(cells[o.width:], ""))
		id, _ = CleanID(id)
		return id, told, nil
	default: // a formula got an apostrophe
		id = strings.TrimPrefix(cells[0], "'")
	}
	id, _ = CleanID(id)
	return id, true, nil
}
