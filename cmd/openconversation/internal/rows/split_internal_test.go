package rows

import (
	"bytes"
	"testing"
)

// The short way to a cell finds what encoding/csv finds.
func FuzzQuotedCell(f *testing.F) {
	f.Add([]byte("a,\"b\"\"\r\n,\",\"\"\n"), byte(1))
	f.Add([]byte("\"a\"x,b"), byte(0))
	f.Fuzz(func(t *testing.T, raw []byte, column byte) {
		list := lines{text: newText(bytes.NewReader(raw)), separator: ','}
		rec, err := list.next()
		if err != nil || rec.Open || bytes.HasSuffix(rec.Raw, []byte("\r")) { // which encoding/csv takes for a line end
			return
		}
		cell, count, well := quotedCell(rec.Raw, ',', int(column))
		if !well {
			return
		}
		cells, err := splitCells(rec, ',')
		if err != nil {
			t.Fatalf("%q: %v", rec.Raw, err)
		}
		if len(cells) != count || int(column) < count && cells[column] != cell {
			t.Errorf("%q: %q of %d, and encoding/csv has %q", raw, cell, count, cells)
		}
	})
}
