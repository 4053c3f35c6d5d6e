package rows

import (
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"
)

// Shard is a part of the rows of a file: those whose ids have its number. It is decided by the id alone, so that the rows
// of one chat are all in one part. The zero Shard is all rows.
type Shard struct {
	Number int // from 1
	Of     int // how many parts there are
}

// MaxShards is how many parts a file can have.
const MaxShards = 10_000

// ParseShard reads a shard as people write it, such as 2/5.
func ParseShard(text string) (s Shard, known bool) {
	number, of, _ := strings.Cut(text, "/")
	var err, err2 error
	s.Number, err = strconv.Atoi(number)
	s.Of, err2 = strconv.Atoi(of)
	return s, err == nil && err2 == nil && s.Number >= 1 && s.Number <= s.Of && s.Of <= MaxShards
}

// String is the shard as ParseShard reads it; empty for the zero Shard.
func (s Shard) String() string {
	if s.Of == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Number, s.Of)
}

// ShardOf is the number of the part, of so many, that an id is in: its FNV-1a hash of 64 bits, modulo of, plus 1. Other
// versions of this command, which may have made the other parts, have to come to the same number.
func ShardOf(id string, of int) int {
	hash := fnv.New64a()
	_, _ = io.WriteString(hash, id) // which cannot fail
	return int(hash.Sum64()%uint64(of)) + 1
}

func (s Shard) has(id string) bool { return s.Of == 0 || ShardOf(id, s.Of) == s.Number }
