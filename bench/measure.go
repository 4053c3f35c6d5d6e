package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// levels are the numbers of concurrent goroutines.
var levels = []int{1, 8, 64}

// sample is the cost of one client in one round, per call: processor and wall time in nanoseconds, allocations, bytes.
type sample struct{ cpu, wall, allocs, bytes float64 }

// result is a client's cost at one level.
type result struct {
	ratios []float64 // of processor time, to the reference in the same round
	cpu    []float64 // nanoseconds
	wall   []float64 // nanoseconds
	allocs []float64
	bytes  []float64
	opened int // connections, over all rounds
}

// start is the state of a client's connections before a call.
type start int

const (
	warm start = iota
	cold       // closed; clients with a TLS session cache resume
)

// measure runs every client on a wire at one level, in turns, round after round: other load on the machine affects all
// alike.
func measure(s *server, wire, level, rounds, calls int, from start) (map[string]*result, error) {
	prepared := map[string]call{}
	results := map[string]*result{}
	before, err := s.opened()
	if err != nil {
		return nil, err
	}
	for i, c := range clients {
		if from == cold && (c.stays || c.role != succeeds) {
			continue
		}
		convert, closeIdle, err := c.make(s.base(wire, i))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		defer closeIdle()
		if kept := convert; from == cold {
			convert = func(ctx context.Context) (string, error) {
				closeIdle()
				return kept(ctx)
			}
		}
		prepared[c.name] = convert
		results[c.name] = &result{}
	}
	for round := range rounds + 1 {
		samples := map[string]sample{}
		for i := range clients {
			c := clients[(i+round)%len(clients)] // no client always follows the same one
			if prepared[c.name] == nil {
				continue
			}
			of, err := run(prepared[c.name], level, calls)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			samples[c.name] = of
		}
		if round == 0 {
			continue // the warm-up: it fetched tokens, dialled and filled pools; only its connections count
		}
		for name, of := range samples {
			r := results[name]
			r.ratios = append(r.ratios, of.cpu/samples[byHand].cpu)
			r.cpu = append(r.cpu, of.cpu)
			r.wall = append(r.wall, of.wall)
			r.allocs = append(r.allocs, of.allocs)
			r.bytes = append(r.bytes, of.bytes)
		}
	}
	after, err := s.opened()
	if err != nil {
		return nil, err
	}
	for i, c := range clients {
		if at := wire*len(clients) + i; results[c.name] != nil {
			results[c.name].opened = after[at] - before[at]
		}
	}
	return results, nil
}

// run makes calls from level goroutines.
func run(convert call, level, calls int) (sample, error) {
	ctx := context.Background()
	var left atomic.Int64
	left.Store(int64(calls))
	var failure atomic.Pointer[error]
	var group sync.WaitGroup
	var before, after runtime.MemStats
	runtime.GC() // each client starts with an empty heap and collects its own garbage
	runtime.ReadMemStats(&before)
	started, clock := cpuTime(), time.Now()
	for range level {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if id, err := convert(ctx); err != nil || id != conversationID {
					err = fmt.Errorf("got %q, %w", id, err)
					failure.Store(&err)
					return
				}
			}
		})
	}
	group.Wait()
	cpu, wall := cpuTime()-started, time.Since(clock)
	runtime.ReadMemStats(&after)
	if err := failure.Load(); err != nil {
		return sample{}, *err
	}
	each := func(n uint64) float64 { return float64(n) / float64(calls) }
	return sample{each(uint64(cpu)), each(uint64(wall)), each(after.Mallocs - before.Mallocs), each(after.TotalAlloc - before.TotalAlloc)}, nil
}

// cpuTime returns this process's processor time, user and system.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // it cannot fail with these arguments
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// contention counts how often calls at the highest level waited for a lock of this module's code.
func contention(s *server, calls int) (waits int64, err error) {
	convert, closeIdle, err := sdk(s.baseOf(succeeds))
	if err != nil {
		return 0, err
	}
	defer closeIdle()
	level := levels[len(levels)-1]
	if _, err := run(convert, level, calls); err != nil { // warm-up: all calls wait for the first token
		return 0, err
	}
	count := func() (n int64) {
		records := make([]runtime.BlockProfileRecord, 10_000)
		found, _ := runtime.MutexProfile(records)
		for _, record := range records[:found] {
			if strings.HasPrefix(holder(record.Stack()), ours+"/wrapper.") {
				n += record.Count
			}
		}
		return n
	}
	runtime.SetMutexProfileFraction(1)
	defer runtime.SetMutexProfileFraction(0)
	before := count()
	_, err = run(convert, level, calls)
	return count() - before, err
}

// holder returns the function that held a contended sync.Mutex. It ignores locks of the runtime, such as its heap's,
// and of sync.Pool.
func holder(stack []uintptr) string {
	locked := false
	for frames := runtime.CallersFrames(stack); ; {
		frame, more := frames.Next()
		switch name := frame.Function; {
		case strings.Contains(name, "sync.(*Mutex)"), strings.Contains(name, "sync.(*RWMutex)"):
			locked = true
		case !locked, strings.HasPrefix(name, "sync.(*Pool)"):
			return ""
		default:
			return name
		}
		if !more {
			return ""
		}
	}
}

// quantile returns the value below which a fraction of the values lies.
func quantile(values []float64, part float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(part*float64(len(sorted)-1)+0.5)]
}

func median(values []float64) float64 { return quantile(values, 0.5) }
