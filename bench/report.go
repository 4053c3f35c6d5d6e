package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report measures everything and writes it to standard output, or to a file and a chart.
func report(ctx context.Context, file string, rounds, calls int) (err error) {
	s, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if stopped := s.stop(); err == nil {
			err = stopped
		}
	}()
	var costs [far][]map[string]*result
	for wire := range costs {
		for _, level := range levels {
			fmt.Fprintf(os.Stderr, "%s, %s\n", wires[wire].title, goroutines(level))
			of, err := measure(s, wire, level, rounds, calls, warm)
			if err != nil {
				return err
			}
			costs[wire] = append(costs[wire], of)
		}
	}
	waits, err := contention(s, rounds*calls)
	if err != nil {
		return err
	}
	parts, err := divide(s, tls1, 8, rounds*calls)
	if err != nil {
		return err
	}
	few := max(rounds/5, 1) // their figures are in milliseconds
	dialled, err := measure(s, tls1, 1, few, calls/20, cold)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, wires[far].title)
	one, err := measure(s, far, 1, few, calls/100, warm)
	if err != nil {
		return err
	}
	many, err := measure(s, far, levels[len(levels)-1], rounds, calls, warm)
	if err != nil {
		return err
	}
	var keys []string
	for _, c := range clients {
		if c.key != "" {
			keys = append(keys, c.key)
		}
	}
	fmt.Fprintln(os.Stderr, "importers")
	prints, err := footprints(ctx, keys)
	if err != nil {
		return err
	}

	var b bytes.Buffer
	fmt.Fprintf(&b, `# What a call costs

Measured on %s with %s on %s/%s, %d processors, by `+"`go run . -out RESULTS.md -rounds %d -calls %d`"+` in this folder
(`+"`make bench`"+`). Everything goes over loopback to a server, a process of its own, that answers canned bytes.

Processor time is the client process's, in user and system mode, as a multiple of what the same call costs written by
hand with net/http and a tuned transport in the same round: the median of %[6]d rounds of %[7]d calls, and between which
values half of the rounds lie. Every client takes its turn in every round. This SDK has everything on that it does by
default: token cache, validation, time limit, body cap, redirect refusal, error mapping, repeats. The others have none
of that, except that the official SDK maps errors and fasthttp follows no redirects. The error is 400
`+"`invalideChatId`"+`, as a `+"`*dingtalk.Error`"+`.

`, time.Now().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), rounds, calls)
	for _, wire := range []int{tls1, tls2, plain} {
		fmt.Fprintf(&b, "## %s\n\n%s\n\n", wires[wire].title, notes[wire])
		writeCosts(&b, costs[wire])
		fmt.Fprint(&b, "\nAn error of this SDK is ")
		for i := range levels {
			if i > 0 {
				fmt.Fprint(&b, ", ")
			}
			fmt.Fprintf(&b, "%.2f", median(quotients(costs[wire][i][thisErr].cpu, costs[wire][i][thisSDK].cpu)))
		}
		fmt.Fprint(&b, " times the processor time of its success in the same round at these\nlevels.\n\n")
	}
	fmt.Fprintf(&b, "In %d calls at %d goroutines, with a mutex profile of every event, calls waited %d times for a lock of this SDK.\n\n", rounds*calls, levels[len(levels)-1], waits)
	fmt.Fprintf(&b, "## Where the time goes\n\nThe processor time of %d calls of this SDK over HTTPS with HTTP/1.1 at 8 goroutines, by the innermost function of a profile\nthat belongs to a piece.\n\n", rounds*calls)
	writePieces(&b, parts)
	fmt.Fprintf(&b, "\n## A call on a new connection\n\n%s\n\n| client | processor time |\n|---|--:|\n", notes[far+1])
	for _, c := range clients {
		switch r := dialled[c.name]; {
		case r == nil:
		case c.name == byHand:
			fmt.Fprintf(&b, "| %s | 1 = %.0f µs |\n", c.name, median(r.cpu)/1000)
		default:
			fmt.Fprintf(&b, "| %s | %.2f (%.2f–%.2f) |\n", c.name, median(r.ratios), quantile(r.ratios, 0.25), quantile(r.ratios, 0.75))
		}
	}
	fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| client | a call, 1 goroutine | calls a second, %s | processor time, %[3]s | connections opened |\n|---|--:|--:|--:|--:|\n", wires[far].title, notes[far], goroutines(levels[len(levels)-1]))
	for _, c := range clients {
		r := many[c.name]
		fmt.Fprintf(&b, "| %s | %.1f ms | %s | %.2f | %s |\n", c.name, median(one[c.name].wall)/1e6, thousands(int64(1e9/median(r.wall))), median(r.ratios), thousands(int64(r.opened)))
	}

	fmt.Fprint(&b, "\n## An app that makes one call\n\nBuilt with `-trimpath -ldflags=\"-s -w\"` and without cgo. The time is that of a build with the standard library compiled and\nnothing else.\n\n")
	writeFootprints(&b, prints)

	fmt.Fprint(&b, "\n## A hostile answer\n\nBy how much a process grows at most that gets a body of 200 MiB, as it is and as a gzip of 199 KiB.\nfasthttp does not decompress.\n\n")
	if err := writeMemory(ctx, &b, s); err != nil {
		return err
	}
	if file == "" {
		_, err = b.WriteTo(os.Stdout)
		return err
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(filepath.Dir(file), "results.svg"), chart(costs[tls1]), 0o644)
}

// notes precede the tables.
var notes = []string{
	plain:   "Without TLS, which no user has: what the SDK itself adds shows most clearly.",
	tls1:    "TLS 1.3 with a certificate of P-256. Clients that may speak HTTP/2 are not offered it.",
	tls2:    "HTTP/2 where a client speaks it by itself: raw TCP, fasthttp and the official SDK do not, and get HTTP/1.1 of the same\nserver.",
	far:     "HTTPS with HTTP/1.1. How many calls there are at a time decides here, and how many connections a client keeps.",
	far + 1: "HTTPS with HTTP/1.1. Each call finds all connections closed, as after an idle night. The official SDK has no way to\nclose its connections.",
}

func writeCosts(w io.Writer, costs []map[string]*result) {
	head, line := "| client |", "|---|"
	for _, level := range levels {
		head += fmt.Sprintf(" processor time, %s |", goroutines(level))
		line += "--:|"
	}
	last := costs[len(costs)-1]
	fmt.Fprintf(w, "%s allocations | bytes | connections opened by %d |\n%s--:|--:|--:|\n", head, levels[len(levels)-1], line)
	for _, c := range clients {
		fmt.Fprintf(w, "| %s |", c.name)
		for i := range levels {
			r := costs[i][c.name].ratios
			if c.name == byHand {
				fmt.Fprintf(w, " 1 = %.1f µs |", median(costs[i][c.name].cpu)/1000)
				continue
			}
			fmt.Fprintf(w, " %.2f (%.2f–%.2f) |", median(r), quantile(r, 0.25), quantile(r, 0.75))
		}
		of := costs[0][c.name]
		fmt.Fprintf(w, " %.0f | %s | %s |\n", median(of.allocs), thousands(int64(median(of.bytes))), thousands(int64(last[c.name].opened)))
	}
}

func writeFootprints(w io.Writer, prints map[string]footprint) {
	fmt.Fprint(w, "| app | binary | more than by hand | more than one GET | packages beyond std | lines of go.sum | build |\n|---|--:|--:|--:|--:|--:|--:|\n")
	row := func(name, key string) {
		f := prints[key]
		fmt.Fprintf(w, "| %s | %.1f MB | %s KB | %s KB | %d | %d | %.1f s |\n", name, float64(f.binary)/1e6,
			thousands((f.binary-prints[sameByHand].binary)/1000), thousands((f.binary-prints[bare].binary)/1000), f.packages, f.sumLines, f.build.Seconds())
	}
	row("net/http, one GET of which nothing is decoded", bare)
	for _, c := range clients {
		if c.key != "" {
			row(c.name, c.key)
		}
	}
}

func writeMemory(ctx context.Context, w io.Writer, s *server) error {
	fmt.Fprint(w, "| client | 200 MiB | as a gzip |\n|---|--:|--:|\n")
	for _, c := range clients {
		if c.key == "" {
			continue
		}
		var grown [2]int64
		for i, r := range []role{hostilePlain, hostileZipped} {
			var err error
			if grown[i], err = memoryOf(ctx, c.key, s.baseOf(r)); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
		fmt.Fprintf(w, "| %s | %.0f MiB | %.0f MiB |\n", c.name, float64(grown[0])/(1<<20), float64(grown[1])/(1<<20))
	}
	return nil
}

func quotients(a, b []float64) []float64 {
	q := make([]float64, len(a))
	for i := range a {
		q[i] = a[i] / b[i]
	}
	return q
}

func goroutines(n int) string {
	if n == 1 {
		return "1 goroutine"
	}
	return fmt.Sprintf("%d goroutines", n)
}

// thousands writes a number with separators.
func thousands(n int64) string {
	digits := []byte(fmt.Sprint(n))
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = slices.Insert(digits, i, ',')
	}
	return string(digits)
}

// chart draws processor time and allocations as multiples of the hand-written call. It has its own background, because
// an image cannot know whether its page is dark.
func chart(costs []map[string]*result) []byte {
	const (
		left, barHeight, gap, width, scaled, top = 260, 11, 14, 780, 420, 96
		longest                                  = 6.0 // end of the scale
		title                                    = "What a call over HTTPS costs, as a multiple of net/http by hand"
	)
	var b bytes.Buffer
	height := top + 40 + len(clients)*(2*barHeight+gap)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-labelledby="t">
<title id="t">%s</title>
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 }
.small { font-size: 11px; paint-order: stroke; stroke: #ffffff; stroke-width: 3px }
.cpu { fill: #8c959f }
.alloc { fill: #d0d7de }
.ours { font-weight: 700 }
.ours.cpu { fill: #0969da }
.ours.alloc { fill: #80ccff }
line { stroke: #24292f; stroke-dasharray: 3 3 }
</style>
<rect x="0.5" y="0.5" width="%d" height="%d" rx="8" fill="#ffffff" stroke="#d0d7de"/>
<text class="title" x="24" y="34">%[3]s</text>
<rect class="cpu" x="%[6]d" y="52" width="11" height="11"/><text x="%[7]d" y="62">processor time at 8 goroutines</text>
<rect class="alloc" x="%[8]d" y="52" width="11" height="11"/><text x="%[9]d" y="62">allocations</text>
`, width, height, title, width-1, height-1, left, left+18, left+250, left+268)
	const one = left + scaled/longest
	fmt.Fprintf(&b, `<line x1="%.1f" y1="%d" x2="%.1[1]f" y2="%d"/>`+"\n", one, top-16, height-34)
	y := top - 10
	hand := costs[0][byHand]
	for _, c := range clients {
		ours := ""
		if c.name == thisSDK || c.name == thisErr {
			ours = " ours"
		}
		fmt.Fprintf(&b, `<text class="name%s" x="%d" y="%d" text-anchor="end">%s</text>`+"\n", ours, left-10, y+barHeight+4, strings.Trim(c.name, "*"))
		for i, bar := range []struct {
			class string
			ratio float64
		}{{"cpu", median(costs[1][c.name].ratios)}, {"alloc", median(costs[0][c.name].allocs) / median(hand.allocs)}} {
			at := y + i*barHeight
			length := min(bar.ratio, longest) / longest * scaled
			fmt.Fprintf(&b, `<rect class="%s%s" x="%d" y="%d" width="%.1f" height="%d"/><text class="small%[2]s" x="%.1[7]f" y="%[8]d">%.2[9]f</text>`+"\n",
				bar.class, ours, left, at, length, barHeight-1, left+length+5, at+barHeight-2, bar.ratio)
		}
		y += 2*barHeight + gap
	}
	fmt.Fprintf(&b, `<text class="small" x="%.1f" y="%d" text-anchor="middle">1 = by hand</text>`+"\n</svg>\n", one, y+12)
	return b.Bytes()
}
