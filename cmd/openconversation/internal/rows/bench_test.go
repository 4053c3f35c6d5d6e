package rows_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

// table is CSV of n rows, as an export of groups has them.
func table(n int) []byte {
	var out bytes.Buffer
	out.WriteString("name,chat_id,owner,note\n")
	for i := range n {
		fmt.Fprintf(&out, "项目群 %d,chat%032d,user%d,\"a, b\"\n", i, i, i%1000)
	}
	return out.Bytes()
}

func BenchmarkCSV(b *testing.B) {
	in := table(100_000)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		r, err := rows.NewReader(bytes.NewReader(in), rows.Options{Format: rows.CSV})
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Discard.Write(r.Header())
		for {
			row, err := r.Read()
			if err != nil {
				break
			}
			_, _ = io.Discard.Write(r.Finish(row.Start, rows.Result{OpenConversationID: "cidl1B8RVUFmkO50OC9uEbySQ=="}))
		}
	}
}
