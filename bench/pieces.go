package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"runtime/pprof"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// pieces divide a call's processor time. A sample belongs to the first piece with a prefix of the innermost matching
// function.
var pieces = []struct {
	name     string
	prefixes []string
}{
	{"this SDK", []string{ours + "/wrapper", ours + "/generated"}},
	{"JSON", []string{"encoding/json", "reflect."}},
	{"TLS", []string{"crypto/"}},
	{"net/http's client and transport", []string{"net/http", "net/textproto", "mime", "net/url", "bufio.", "io.", "context."}},
	{"system calls and waiting for the network", []string{"syscall.", "internal/poll", "internal/runtime/syscall", "net.", "os."}},
}

const restOfPieces = "the runtime: goroutines, garbage, timers"

// spent is one piece's share of a call's processor time.
type spent struct {
	piece string
	share float64
}

// divide profiles calls of this SDK on a wire, and divides their processor time into pieces.
func divide(s *server, wire, level, calls int) ([]spent, error) {
	client := slices.IndexFunc(clients, func(c client) bool { return c.name == thisSDK })
	convert, closeIdle, err := sdk(s.base(wire, client))
	if err != nil {
		return nil, err
	}
	defer closeIdle()
	var raw bytes.Buffer
	if err := pprof.StartCPUProfile(&raw); err != nil {
		return nil, err
	}
	_, err = run(convert, level, calls)
	pprof.StopCPUProfile()
	if err != nil {
		return nil, err
	}
	p, err := profile.Parse(&raw)
	if err != nil {
		return nil, err
	}
	time := len(p.SampleType) - 1 // the last value is processor time
	sums, all := map[string]int64{}, int64(0)
	for _, sample := range p.Sample {
		sums[pieceOf(sample)] += sample.Value[time]
		all += sample.Value[time]
	}
	var list []spent
	for name, sum := range sums {
		list = append(list, spent{name, float64(sum) / float64(all)})
	}
	slices.SortFunc(list, func(a, b spent) int { return cmp.Compare(b.share, a.share) })
	return list, nil
}

func pieceOf(sample *profile.Sample) string {
	for _, location := range sample.Location { // the innermost first
		for _, line := range location.Line {
			for _, piece := range pieces {
				if slices.ContainsFunc(piece.prefixes, func(prefix string) bool { return strings.HasPrefix(line.Function.Name, prefix) }) {
					return piece.name
				}
			}
		}
	}
	return restOfPieces
}

func writePieces(w io.Writer, list []spent) {
	fmt.Fprint(w, "| piece | share |\n|---|--:|\n")
	for _, s := range list {
		fmt.Fprintf(w, "| %s | %.0f %% |\n", s.piece, 100*s.share)
	}
}
