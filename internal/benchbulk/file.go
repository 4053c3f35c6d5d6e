package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// The command's exit codes.
const (
	exitOK      = 0
	exitLimited = 4
)

// repeating are the numbers of so many chats, shuffled among rows that repeat some of them.
func (b *bench) repeating(ids, rows int) []int {
	random := b.random()
	chats := make([]int, rows)
	for i := range chats {
		if chats[i] = i; i >= ids {
			chats[i] = random.IntN(ids)
		}
	}
	random.Shuffle(rows, func(i, j int) { chats[i], chats[j] = chats[j], chats[i] })
	return chats
}

// runs starts the command over the rows of c and waits for its end.
func (b *bench) runs(ctx context.Context, s *service, c conversion, code int, more ...string) error {
	p, err := b.start(ctx, s.url, c.args(more...)...)
	if err != nil {
		return err
	}
	return p.exits(code)
}

// distinct spends one call on each distinct chat.
func distinct(ctx context.Context, b *bench, ids int) ([]figure, error) {
	rows := ids * 5 / 2
	s, err := serve(ctx, "")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	c, err := b.newConversion("distinct")
	if err != nil {
		return nil, err
	}
	chats := b.repeating(ids, rows)
	if err := writeRows(c.input, slices.Values(chats)); err != nil {
		return nil, err
	}
	if err := b.runs(ctx, s, c, exitOK); err != nil {
		return nil, err
	}
	whole, err := complete(c.output, rows, slices.Values(chats))
	return []figure{
		whole,
		exactly("calls", s.conversions(), ids),
		exactly("token calls", s.tokenCalls(), 1),
	}, err
}

func exactly(name string, measured, wanted int) figure {
	return figure{name: name, wanted: fmt.Sprint(wanted), measured: fmt.Sprint(measured), ok: measured == wanted}
}

// kill kills a run many times, and continues it each time.
func kill(ctx context.Context, b *bench, ids int) ([]figure, error) {
	const kills = 25
	fmt.Fprintf(b.log, "kill: -seed %d\n", b.seed)
	chats := b.repeating(ids, ids*11/10)
	undisturbed, err := b.newConversion("undisturbed")
	if err != nil {
		return nil, err
	}
	killed, err := b.newConversion("killed")
	if err != nil {
		return nil, err
	}
	if err := writeRows(undisturbed.input, slices.Values(chats)); err != nil {
		return nil, err
	}
	killed.input = undisturbed.input
	calm, err := serve(ctx, "", dingtalktest.WithLatency(time.Millisecond))
	if err != nil {
		return nil, err
	}
	defer calm.stop()
	s, err := serve(ctx, "", dingtalktest.WithLatency(time.Millisecond)) // so that there always is something under way
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := b.runs(ctx, calm, undisturbed, exitOK); err != nil {
		return nil, err
	}
	done, err := b.killing(ctx, s, killed, ids, kills)
	if err != nil {
		return nil, err
	}
	if err := b.runs(ctx, s, killed, exitOK, "--resume"); err != nil {
		return nil, err
	}
	want, err := os.ReadFile(undisturbed.output)
	if err != nil {
		return nil, err
	}
	got, err := os.ReadFile(killed.output)
	if err != nil {
		return nil, err
	}
	whole, err := complete(undisturbed.output, len(chats), slices.Values(chats))
	same := figure{name: "output after the kills", wanted: "as undisturbed", measured: "as undisturbed", ok: bytes.Equal(got, want)}
	if !same.ok {
		same.measured = fmt.Sprintf("%d bytes, not the %d", len(got), len(want))
	}
	return []figure{
		whole,
		exactly("kills", done, kills),
		same,
		atMost("calls", s.conversions(), ids+kills*killed.concurrency),
	}, err
}

// killing starts a run and kills it so many times, each when a random number of calls has been made in all. It returns
// how often the run was still going.
func (b *bench) killing(ctx context.Context, s *service, c conversion, ids, kills int) (done int, err error) {
	random := b.random()
	moments := make([]int, kills)
	for i := range moments {
		moments[i] = random.IntN(ids * 9 / 10)
	}
	slices.Sort(moments)
	for i, calls := range moments {
		var more []string
		if i > 0 {
			more = []string{"--resume"}
		}
		reached := s.after(calls)
		p, err := b.start(ctx, s.url, c.args(more...)...)
		if err != nil {
			return done, err
		}
		select {
		case <-reached:
		case <-p.ended:
			return done, p.exits(exitOK)
		}
		// A moment later, and not always the one at which an answer was sent.
		select {
		case <-time.After(time.Duration(random.Int64N(int64(5 * time.Millisecond)))):
		case <-p.ended:
			return done, p.exits(exitOK)
		}
		p.kill()
		done++
	}
	return done, nil
}

// quota ends a run by the month's quota, and continues it in the next month.
func quota(ctx context.Context, b *bench, ids int) ([]figure, error) {
	used := ids / 3
	s, err := serve(ctx, "", dingtalktest.WithMonthlyQuota(used))
	if err != nil {
		return nil, err
	}
	defer s.stop()
	c, err := b.newConversion("quota")
	if err != nil {
		return nil, err
	}
	if err := writeRows(c.input, count(ids)); err != nil {
		return nil, err
	}
	if err := b.runs(ctx, s, c, exitLimited); err != nil {
		return nil, err
	}
	refused := s.answered(generated.CodeOrgQuotaExhausted)
	first := s.conversions()
	s.stop()
	next, err := serve(ctx, s.address(), dingtalktest.WithMonthlyQuota(ids))
	if err != nil {
		return nil, err
	}
	defer next.stop()
	if err := b.runs(ctx, next, c, exitOK, "--resume"); err != nil {
		return nil, err
	}
	whole, err := complete(c.output, ids, count(ids))
	return []figure{
		exactly("calls within the quota", first-refused, used),
		atMost("calls beyond it, those under way", refused, c.concurrency),
		exactly("calls next month", next.conversions(), ids-used),
		whole,
	}, err
}
