package main

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// chatID is the nth chat id, as long as real ones are.
func chatID(n int) string { return fmt.Sprintf("chat%032x", n) }

func chatIDs(n int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range n {
			if !yield(chatID(i)) {
				return
			}
		}
	}
}

// paced runs the SDK over ids against a service with a limit.
func paced(ctx context.Context, ids, limit int, opts ...dingtalk.Option) (s *service, converted int, wall time.Duration, err error) {
	s, err = serve(ctx, dingtalktest.WithQPS(limit))
	if err != nil {
		return nil, 0, 0, err
	}
	defer s.stop()
	client, err := dingtalk.NewClient(
		dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret},
		append(opts, dingtalk.WithBaseURL(s.url))...)
	if err != nil {
		return nil, 0, 0, err
	}
	defer client.CloseIdleConnections()
	start := time.Now()
	n := 0
	for c, failed := range client.OpenConversationIDs(ctx, chatIDs(ids)) {
		if failed != nil {
			err = failed
		} else if want := chatID(n); c.ChatID == want && c.OpenConversationID == dingtalktest.OpenConversationIDOf(want) {
			converted++
		}
		n++
	}
	return s, converted, time.Since(start), err
}

// knownLimit keeps to the service's limit without meeting it.
func knownLimit(ctx context.Context, _ *bench, ids int) ([]figure, error) {
	const limit = dingtalk.DefaultRate
	s, converted, wall, err := paced(ctx, ids, limit)
	if err != nil {
		return nil, err
	}
	throttled := s.answered(generated.CodeAppQPSLimit)
	return []figure{
		converts(converted, ids),
		{name: "throttled answers", wanted: "0", measured: fmt.Sprint(throttled), ok: throttled == 0},
		takes(wall, ids, limit, 1.05),
	}, nil
}

// hiddenLimit finds a limit that is far lower than the client was told.
func hiddenLimit(ctx context.Context, _ *bench, ids int) ([]figure, error) {
	const limit, told, enough = 13, 60, 2_000
	s, converted, wall, err := paced(ctx, ids, limit, dingtalk.WithLimiter(dingtalk.NewLimiter(told)))
	if err != nil {
		return nil, err
	}
	requests := s.conversions()
	return []figure{
		converts(converted, ids),
		atMost("requests", requests, ids*105/100).judged(enough, ids),
		figure{name: "of them throttled", wanted: "few", measured: fmt.Sprint(s.answered(generated.CodeAppQPSLimit))}.judged(math.MaxInt, ids),
		takes(wall, ids, limit, 1.15).judged(enough, ids),
	}, nil
}

func converts(converted, ids int) figure {
	return figure{name: "converted, in order", wanted: fmt.Sprint(ids), measured: fmt.Sprint(converted), ok: converted == ids}
}

func atMost(name string, measured, limit int) figure {
	return figure{name: name, wanted: fmt.Sprintf("≤ %d", limit), measured: fmt.Sprint(measured), ok: measured <= limit}
}

// takes compares a run's time with that of so many calls at the service's limit.
func takes(wall time.Duration, ids, limit int, factor float64) figure {
	ideal := float64(ids) / float64(limit)
	return figure{
		name:     "wall time",
		wanted:   fmt.Sprintf("≤ %.1f s (%.2f × %d/%d)", factor*ideal, factor, ids, limit),
		measured: fmt.Sprintf("%.1f s (%.3f ×)", wall.Seconds(), wall.Seconds()/ideal),
		ok:       wall.Seconds() <= factor*ideal,
	}
}
