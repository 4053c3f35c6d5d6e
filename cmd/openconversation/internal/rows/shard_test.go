package rows_test

import (
	"fmt"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

// Other processes, perhaps of other versions, made the other parts: the numbers are part of the interface.
func TestShardOfIsFixed(t *testing.T) {
	for id, want := range map[string]int{"": 3, "chatfaabe59a460527f5fb72fbbdfe3f061e": 4, "a": 6, "群": 1} {
		if got := rows.ShardOf(id, 7); got != want {
			t.Errorf("%q is in shard %d of 7, want %d", id, got, want)
		}
	}
}

// Shards are of about the same size.
func TestShardsAreEven(t *testing.T) {
	const ids = 10_000
	for _, of := range []int{2, 5, 64, 100} {
		sizes := make([]int, of)
		for i := range ids {
			sizes[rows.ShardOf(fmt.Sprintf("chat%032x", i), of)-1]++
		}
		for n, size := range sizes {
			if size < ids/of*2/3 || size > ids/of*3/2 {
				t.Errorf("shard %d of %d has %d of %d ids", n+1, of, size, ids)
			}
		}
	}
}

func TestParseShard(t *testing.T) {
	for text, want := range map[string]rows.Shard{"1/1": {Number: 1, Of: 1}, "2/5": {Number: 2, Of: 5}, "10000/10000": {Number: 10_000, Of: 10_000}} {
		if got, known := rows.ParseShard(text); got != want || !known || got.String() != text {
			t.Errorf("%s: %v, %v", text, got, known)
		}
	}
	for _, text := range []string{"", "2", "0/5", "6/5", "-1/5", "1/0", "1/10001", "1/2/3", "a/b", "1 / 2"} {
		if got, known := rows.ParseShard(text); known {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}
