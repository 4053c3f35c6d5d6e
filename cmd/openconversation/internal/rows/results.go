package rows

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Results that an input has already: those of an earlier output, or of a table that someone has filled in. They are its
// last columns or fields, the first of which is the openConversationId. They are cut off, and written anew.

// earlier returns where the columns with results begin, or the number of columns if there are none. details reports
// whether they describe groups.
func (h header) earlier() (own int, details bool, err error) {
	own = len(h.names)
	for i, name := range slices.Backward(h.names) {
		at := appends[true].at(name)
		if at < 0 && !blank(name) { // a program may have added empty columns
			break
		}
		if details = details || at >= 3; at == 0 {
			own = i
			break
		}
	}
	adds := appends[details && own < len(h.names) || len(h.adds.columns) > 3]
	for _, name := range h.names[:own] {
		if slices.Contains(adds.columns, visible(name)) {
			return 0, false, broken(h.line, "it has a column %s already; rename or remove it", visible(name))
		}
	}
	return own, details && own < len(h.names), nil
}

// at returns which of the columns has a name, or -1.
func (a appended) at(name string) int {
	return slices.IndexFunc(a.columns, func(column string) bool { return folded(column) == folded(name) })
}

// resultOf reads a result from columns of these names.
func resultOf(names, cells []string) (r Result) {
	values := make([]string, len(appends[true].columns))
	for i, cell := range cells {
		if at := appends[true].at(names[i]); at >= 0 {
			values[at] = cell
		}
	}
	return Result{values[0], values[1], values[2], values[3], values[4], values[5]}
}

// cut cuts the cells with results off a record.
func (t *table) cut(rec record) ([]byte, Result, error) {
	if t.own == len(t.names) {
		return rec.Raw, Result{}, nil
	}
	q := quotes{separator: t.separator, start: true}
	cell := 1
	for i, b := range rec.Raw {
		if q.step(b); b != t.separator || q.inside {
			continue
		}
		if cell++; cell > t.own {
			rest := rec
			rest.Raw = rec.Raw[i+1:]
			cells, err := splitCells(rest, t.separator)
			return rec.Raw[:i], resultOf(t.names[t.own:], cells), err
		}
	}
	return rec.Raw, Result{}, nil
}

// cut cuts the fields with results off an object. details reports whether they describe a group.
func (o *objects) cut(raw []byte) (own []byte, r Result, details bool) {
	if !bytes.Contains(raw, []byte(`"`+appends[false].fields[0]+`"`)) {
		return raw, r, false
	}
	all := appends[true].fields
	in := json.NewDecoder(bytes.NewReader(raw))
	if _, err := in.Token(); err != nil {
		return raw, r, false
	}
	end, begins := in.InputOffset(), int64(-1)
	var values map[string]string
	for in.More() {
		name, err := in.Token()
		var value json.RawMessage
		if err != nil || in.Decode(&value) != nil {
			return raw, Result{}, false // Read says what is wrong with it
		}
		key, _ := name.(string)
		switch {
		case key == all[0]:
			begins, values = end, map[string]string{}
		case !slices.Contains(all, key):
			begins = -1
		}
		if begins >= 0 {
			var text string
			_ = json.Unmarshal(value, &text) // what is no text is no result
			values[key] = text
			details = details || slices.Contains(all[3:], key)
		}
		end = in.InputOffset()
	}
	if begins < 0 {
		return raw, r, false
	}
	own = append(bytes.Clone(raw[:begins]), '}')
	return own, Result{values[all[0]], values[all[1]], values[all[2]], values[all[3]], values[all[4]], values[all[5]]}, details
}

// kept returns an appended cell as it was before the apostrophe that keeps it from being a formula.
func kept(r Result) Result {
	r.OpenConversationID = strings.TrimSpace(r.OpenConversationID)
	for _, text := range []*string{&r.Error, &r.Name, &r.Owner, &r.Status} {
		if rest, is := strings.CutPrefix(*text, "'"); is && rest != "" && strings.IndexByte("=+-@\t\r", rest[0]) >= 0 {
			*text = rest
		}
	}
	return r
}
