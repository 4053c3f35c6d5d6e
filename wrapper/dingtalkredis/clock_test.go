//go:build redis

package dingtalkredis_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/internal/redistest"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
)

// startShifted starts a server whose clock is wrong: a library that it loads first shifts gettimeofday.
func startShifted(t testing.TB, shift time.Duration, args ...string) *redistest.Server {
	t.Helper()
	dir := t.TempDir()
	source, library, script := filepath.Join(dir, "clock.c"), filepath.Join(dir, "clock.so"), filepath.Join(dir, "redis")
	if err := errors.Join(os.WriteFile(source, fmt.Appendf(nil, `#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
int gettimeofday(struct timeval *t, void *zone) { int e = syscall(SYS_gettimeofday, t, zone); t->tv_sec += %d; return e; }
`, int(shift.Seconds())), 0o600), os.WriteFile(script, []byte("#!/bin/sh\nLD_PRELOAD="+library+" exec redis-server \"$@\"\n"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "gcc", "-shared", "-fPIC", "-o", library, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := redistest.StartBinary(t, script, args...)
	if at := newRedis(t, s.Addr).Time(t.Context()).Val(); time.Until(at.Add(-shift)).Abs() > time.Minute {
		t.Fatalf("the server's clock is not shifted: %s", at)
	}
	return s
}

// However far apart the clocks are, the month is Redis's, no count is lost, nobody waits, and a warning names both times.
func TestClocksApart(t *testing.T) {
	t.Parallel()
	for _, shift := range []time.Duration{-90 * 24 * time.Hour, -2 * time.Minute, 40 * 24 * time.Hour} {
		t.Run(shift.String(), func(t *testing.T) {
			t.Parallel()
			rdb := newRedis(t, startShifted(t, shift).Addr)
			var log lines
			fleet := newFleet(t, rdb, "http://127.0.0.1:1", dingtalkredis.WithLogger(log.logger()))
			if err := fleet.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			budget, limiter := fleet.Budget(5), fleet.Limiter(100)
			for range 5 {
				if err := errors.Join(limiter.Wait(ctx), budget.Spend(ctx)); err != nil {
					t.Fatal(err)
				}
			}
			wantQuota(t, budget.Spend(ctx))
			wantUsed(t, newFleet(t, rdb, "http://127.0.0.1:1").Budget(5), 5)
			at := rdb.Time(ctx).Val().In(time.FixedZone("", 8*60*60))
			if want := time.Date(at.Year(), at.Month()+1, 1, 0, 0, 0, 0, at.Location()); !budget.Resets().Equal(want) {
				t.Errorf("the month ends at %s, want %s", budget.Resets(), want)
			}
			for _, name := range rdb.Keys(t.Context(), "*").Val() {
				if left := rdb.PTTL(ctx, name).Val(); left <= 0 {
					t.Errorf("%s never ends", name)
				}
			}
			eventually(t, "both times are named", func() bool {
				return log.warnings() == 1 && strings.Contains(log.String(), "redis="+at.UTC().Format("2006-01-02T15:")) &&
					strings.Contains(log.String(), "machine="+time.Now().UTC().Format("2006-01-02T15:"))
			})
		})
	}
}

// A replica that is promoted with another clock costs no more time than one with the right clock.
func TestFailoverToAnotherClock(t *testing.T) {
	t.Parallel()
	for _, shift := range []time.Duration{-40 * time.Second, -5 * time.Second, time.Hour} {
		t.Run(shift.String(), func(t *testing.T) {
			t.Parallel()
			primary := redistest.Start(t)
			replica := startShifted(t, shift, "--replicaof", strings.Replace(primary.Addr, ":", " ", 1))
			p := redistest.StartProxy(t, primary.Addr)
			sent := during(t, newLimiters(t, p.Addr, 20, 5), func() {
				time.Sleep(2 * time.Second)
				newRedis(t, replica.Addr).ReplicaOf(t.Context(), "NO", "ONE")
				p.Switch(replica.Addr)
				time.Sleep(8 * time.Second)
			})
			most, longest := mostInASecond(sent)
			t.Logf("figure: a replica promoted with its clock shifted by %s: the longest pause is %s, at most %d requests in any second at a limit of 20", shift, longest.Round(time.Millisecond), most)
			if longest > 6*time.Second || most > 30 {
				t.Errorf("%s without a call, %d in a second", longest, most)
			}
		})
	}
}
