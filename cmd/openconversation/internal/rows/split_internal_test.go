package rows

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"slices"
	"testing"
)

// A record is split into the cells that encoding/csv finds, or refused as there.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("a,\"b\"\"\r\n,\",\"\"\n"))
	f.Add([]byte("\"a\"x,b"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		list := lines{in: bufio.NewReader(bytes.NewReader(raw)), table: true}
		rec, err := list.next()
		if err != nil || len(rec.Raw) == 0 || bytes.Contains(rec.Raw, []byte("=\"")) || bytes.HasSuffix(rec.Raw, []byte("\r")) { // which encoding/csv takes for a line end
			return
		}
		var c cells
		wrong := c.split(rec, ',')
		table := csv.NewReader(bytes.NewReader(rec.Raw))
		table.FieldsPerRecord = -1
		want, err := table.Read()
		if (wrong == nil) != (err == nil) || err == nil && !slices.Equal(c.texts, want) {
			t.Errorf("%q: %q %v, and encoding/csv has %q %v", rec.Raw, c.texts, wrong, want, err)
		}
		for i, end := range c.ends {
			if wrong == nil && end < len(rec.Raw) && (rec.Raw[end] != ',' || i == len(c.ends)-1) {
				t.Errorf("%q: cell %d ends at %d", rec.Raw, i, end)
			}
		}
	})
}
