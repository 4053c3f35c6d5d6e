package rows

import (
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"
)

// Shard is a part of a file's rows. The id alone decides the shard, so all rows of one chat are in the same one. The
// zero Shard means all rows.
type Shard struct {
	Number int // from 1
	Of     int // number of shards
}

// MaxShards limits the number of shards.
const MaxShards = 10_000

// ParseShard parses a shard such as 2/5.
func ParseShard(text string) (s Shard, known bool) {
	number, of, _ := strings.Cut(text, "/")
	var err, err2 error
	s.Number, err = strconv.Atoi(number)
	s.Of, err2 = strconv.Atoi(of)
	return s, err == nil && err2 == nil && s.Number >= 1 && s.Number <= s.Of && s.Of <= MaxShards
}

// String formats the shard for ParseShard; it is empty for the zero Shard.
func (s Shard) String() string {
	if s.Of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Number, s.Of)
}

// ShardOf returns the shard number of an id, out of of: its 64-bit FNV-1a hash modulo of, plus 1. It must never change:
// other versions of this command may have made the other shards.
func ShardOf(id string, of int) int {
	hash := fnv.New64a()
	_, _ = io.WriteString(hash, id) // cannot fail
	return int(hash.Sum64()%uint64(of)) + 1
}

func (s Shard) has(id string) bool { return s.Of == 0 || ShardOf(id, s.Of) == s.Number }
