// Command bench compares the processor time, allocations and connections of a call through this SDK, through others and by
// hand, and the size of an app with it. `make bench` writes RESULTS.md and results.svg.
package main

//go:generate go run -C .. github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen --config bench/stock/oapi-codegen.yaml openapi.yaml

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	chatID         = "chatfaabe59a460527f5fb72fbbdfe3f061e"
	conversationID = "cidl1B8RVUFmkO50OC9uEbySQ=="
	accessToken    = "fw8ef8we8f76e6f7s8dxxxx"
)

func main() {
	var (
		out     = flag.String("out", "RESULTS.md", "write the report to this file, and results.svg beside it")
		rounds  = flag.Int("rounds", 11, "rounds of each client at each level")
		calls   = flag.Int("calls", 1000, "calls of a round")
		serving = flag.String("serve", "", "be the server, and write its certificate to this file")
	)
	flag.Parse()
	var err error
	if *serving != "" {
		err = serve(*serving)
	} else {
		err = bench(context.Background(), *out, *rounds, *calls)
	}
	if err != nil {
		log.Fatal("bench: ", err)
	}
}

// serve answers over HTTPS with HTTP/1.1 until standard input ends. It prints its address. GET returns how many connections were opened.
func serve(certificate string) error {
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
		w.Header().Set("x-acs-request-id", "30EE8654-1AA2-7D88-8248-9518547248AA")
		switch {
		case r.Method == http.MethodGet:
			_, _ = fmt.Fprint(w, opened.Load())
		case strings.HasSuffix(r.URL.Path, "/oauth2/accessToken"):
			_, _ = fmt.Fprintf(w, `{"accessToken":%q,"expireIn":7200}`, accessToken)
		default:
			_, _ = fmt.Fprintf(w, `{"openConversationId":%q}`, conversationID)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.StartTLS()
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(certificate, block, 0o600); err != nil {
		return err
	}
	fmt.Println(server.URL)
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// start starts a server as a process of its own, whose processor time is not the clients', and trusts its certificate.
func start(ctx context.Context) (base string, stop func(), err error) {
	file := filepath.Join(os.TempDir(), fmt.Sprintf("bench-%d.pem", os.Getpid()))
	cmd := exec.CommandContext(ctx, os.Args[0], "-serve", file)
	cmd.Stderr = os.Stderr
	stdin, errIn := cmd.StdinPipe()
	said, errOut := cmd.StdoutPipe()
	// The variable is read at the first handshake.
	if err := errors.Join(errIn, errOut, os.Setenv("SSL_CERT_FILE", file), cmd.Start()); err != nil {
		return "", nil, err
	}
	_, err = fmt.Fscan(said, &base)
	return base, func() { _ = errors.Join(stdin.Close(), cmd.Wait(), os.Remove(file)) }, err
}

// levels are the numbers of concurrent goroutines.
var levels = []int{1, 8, 64}

// cost is the cost of one client's calls at one level, a value a round.
type cost struct {
	ratios, cpu, allocs, bytes []float64 // of processor time, to the reference in the same round; ns, objects and bytes a call
	opened                     int       // connections, over all rounds
}

func bench(ctx context.Context, file string, rounds, calls int) error {
	base, stop, err := start(ctx)
	if err != nil {
		return err
	}
	defer stop()
	var costs []map[string]*cost
	for _, level := range levels {
		fmt.Fprintln(os.Stderr, goroutines(level))
		of, err := measure(ctx, base, level, rounds, calls)
		if err != nil {
			return err
		}
		costs = append(costs, of)
	}
	fmt.Fprintln(os.Stderr, "apps")
	sizes, err := sizesOfApps(ctx)
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
default: token cache, validation, time limit, body cap, redirect refusal, error mapping, retries. The others have none
of that, except that the official SDK maps errors and fasthttp follows no redirects.

## Over HTTPS, with HTTP/1.1

`, time.Now().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), rounds, calls)
	writeCosts(&b, costs)
	fmt.Fprint(&b, "\n## An app that makes one call\n\nBuilt with `-trimpath -ldflags=\"-s -w\"` and without cgo.\n\n")
	writeSizes(&b, sizes)
	picture := filepath.Join(filepath.Dir(file), "results.svg")
	return errors.Join(os.WriteFile(file, b.Bytes(), 0o644), os.WriteFile(picture, chart(costs), 0o644))
}

// measure runs every client at one level, in turns, round after round: other load on the machine affects all alike.
func measure(ctx context.Context, base string, level, rounds, calls int) (map[string]*cost, error) {
	prepared, costs := map[string]call{}, map[string]*cost{}
	for _, c := range clients {
		convert, err := c.make(base)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		prepared[c.name], costs[c.name] = convert, &cost{}
	}
	before, err := opened(ctx, base)
	if err != nil {
		return nil, err
	}
	for round := range rounds + 1 {
		samples := map[string]sample{}
		for i := range clients {
			name := clients[(i+round)%len(clients)].name // no client always follows the same one
			samples[name], err = run(ctx, prepared[name], level, calls)
			after, errOpened := opened(ctx, base)
			if err := errors.Join(err, errOpened); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			costs[name].opened += after - before
			before = after
		}
		if round == 0 {
			continue // the warm-up: it fetched tokens, dialled and filled pools; only its connections count
		}
		for name, of := range samples {
			c := costs[name]
			c.ratios, c.cpu = append(c.ratios, of.cpu/samples[byHand].cpu), append(c.cpu, of.cpu)
			c.allocs, c.bytes = append(c.allocs, of.allocs), append(c.bytes, of.bytes)
		}
	}
	return costs, nil
}

// counting asks for the number of connections, over one that is counted before the first call.
var counting = ownClient(1)

func opened(ctx context.Context, base string) (n int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base, nil)
	if err != nil {
		return 0, err
	}
	resp, err := counting.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = fmt.Fscan(resp.Body, &n)
	return n, err
}

// sample is the cost of one client in one round, per call.
type sample struct{ cpu, allocs, bytes float64 }

// run makes calls from level goroutines.
func run(ctx context.Context, convert call, level, calls int) (sample, error) {
	var left atomic.Int64
	left.Store(int64(calls))
	failures := make(chan error, level)
	var group sync.WaitGroup
	var before, after runtime.MemStats
	runtime.GC() // each client starts with an empty heap and collects its own garbage
	runtime.ReadMemStats(&before)
	started := cpuTime()
	for range level {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if id, err := convert(ctx); err != nil || id != conversationID {
					failures <- fmt.Errorf("got %q, %w", id, err)
					return
				}
			}
		})
	}
	group.Wait()
	cpu := cpuTime() - started
	runtime.ReadMemStats(&after)
	if len(failures) > 0 {
		return sample{}, <-failures
	}
	each := func(n uint64) float64 { return float64(n) / float64(calls) }
	return sample{each(uint64(cpu)), each(after.Mallocs - before.Mallocs), each(after.TotalAlloc - before.TotalAlloc)}, nil
}

// cpuTime returns this process's processor time, user and system.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // it cannot fail with these arguments
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func median(values []float64) float64 { return quantile(values, 0.5) }

func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1)+0.5)]
}

func writeCosts(w io.Writer, costs []map[string]*cost) {
	head, line := "| client |", "|---|"
	for _, level := range levels {
		head += fmt.Sprintf(" processor time, %s |", goroutines(level))
		line += "--:|"
	}
	fmt.Fprintf(w, "%s allocations | bytes | connections opened by %d |\n%s--:|--:|--:|\n", head, levels[len(levels)-1], line)
	for _, c := range clients {
		fmt.Fprintf(w, "| %s |", c.name)
		for _, level := range costs {
			if of := level[c.name]; c.name == byHand {
				fmt.Fprintf(w, " 1 = %.1f µs |", median(of.cpu)/1000)
			} else {
				fmt.Fprintf(w, " %.2f (%.2f–%.2f) |", median(of.ratios), quantile(of.ratios, 0.25), quantile(of.ratios, 0.75))
			}
		}
		of := costs[0][c.name]
		fmt.Fprintf(w, " %.0f | %s | %s |\n", median(of.allocs), thousands(int64(median(of.bytes))), thousands(int64(costs[len(costs)-1][c.name].opened)))
	}
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

// chart draws processor time at 8 goroutines as multiples of the hand-written call, in the reader's light or dark colours.
func chart(costs []map[string]*cost) []byte {
	const left, barHeight, gap, width, scaled, top, longest = 260, 18, 12, 780, 420, 64, 6.0 // longest: end of the scale
	var b bytes.Buffer
	height := top + 30 + len(clients)*(barHeight+gap)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-labelledby="t">
<title id="t">Processor time of a call over HTTPS at 8 goroutines, as a multiple of net/http by hand</title>
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
rect.bar { fill: #8c959f }
.ours { font-weight: 700 }
rect.ours { fill: #0969da }
line { stroke: #24292f; stroke-dasharray: 3 3 }
rect.card { fill: #ffffff; stroke: #d0d7de }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } rect.bar { fill: #6e7681 } rect.ours { fill: #4493f8 } line { stroke: #e6edf3 } rect.card { fill: #0d1117; stroke: #30363d }
}
</style>
<rect x="0.5" y="0.5" width="%d" height="%d" rx="8" class="card"/>
<text x="24" y="34" font-weight="600">Processor time of a call over HTTPS at 8 goroutines, as a multiple of net/http by hand</text>
`, width, height, width-1, height-1)
	const one = left + scaled/longest
	fmt.Fprintf(&b, `<line x1="%.1f" y1="%d" x2="%.1[1]f" y2="%[3]d"/>`+"\n", one, top-8, height-28)
	y := top
	for _, c := range clients {
		ours := ""
		if c.name == thisSDK {
			ours = " ours"
		}
		ratio := median(costs[1][c.name].ratios)
		length := min(ratio, longest) / longest * scaled
		fmt.Fprintf(&b, `<text class="name%s" x="%d" y="%d" text-anchor="end">%s</text><rect class="bar%[1]s" x="%[5]d" y="%[6]d" width="%.1[7]f" height="%[8]d"/><text x="%.1[9]f" y="%[3]d">%.2[10]f</text>`+"\n",
			ours, left-10, y+14, strings.Trim(c.name, "*"), left, y, length, barHeight, left+length+6, ratio)
		y += barHeight + gap
	}
	fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">1 = by hand</text>`+"\n</svg>\n", one, y+6)
	return b.Bytes()
}
