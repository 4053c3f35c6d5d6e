package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// volume runs the command over a long file, against an emulator in a third process. Half of the bare loop runs before
// it and half after, so that a machine that grows slower or faster favours neither.
func volume(ctx context.Context, b *bench, ids int) ([]figure, error) {
	const (
		mostMemory = 150 << 20
		growth     = 1.1 // what counts as flat
		share      = 0.8
		enough     = 200_000 // below that, the time to start and to warm up counts
	)
	emulator, url, err := b.emulator(ctx)
	if err != nil {
		return nil, err
	}
	defer emulator.kill()
	c, err := b.newConversion("volume")
	if err != nil {
		return nil, err
	}
	if err := writeRows(c.input, count(ids)); err != nil {
		return nil, err
	}
	before, err := bare(ctx, url, 0, ids/2, c.concurrency)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	p, err := b.start(ctx, url, c.args()...)
	if err != nil {
		return nil, err
	}
	used, measured := p.watch(filepath.Dir(c.output))
	if err := p.exits(0); err != nil {
		return nil, err
	}
	wall := time.Since(start)
	if measured != nil {
		return nil, measured
	}
	after, err := bare(ctx, url, ids/2, ids, c.concurrency)
	if err != nil {
		return nil, err
	}
	rows, err := complete(c.output, ids, count(ids))
	if err != nil {
		return nil, err
	}
	rate, bareRate := float64(ids)/wall.Seconds(), float64(ids)/(before+after).Seconds()
	return []figure{
		rows,
		{name: "peak resident memory", wanted: "≤ " + mebibytes(mostMemory), measured: mebibytes(used.peak), ok: used.peak <= mostMemory},
		figure{
			name: "the same after the first tenth", wanted: fmt.Sprintf("end ≤ %.2f ×", growth),
			measured: fmt.Sprintf("%s, end %.2f ×", mebibytes(used.tenth), float64(used.peak)/float64(used.tenth)),
			ok:       float64(used.peak) <= growth*float64(used.tenth),
		}.judged(enough, ids),
		figure{
			name: fmt.Sprintf("calls a second, %d at once", c.concurrency), wanted: fmt.Sprintf("≥ %.0f %% of bare net/http", 100*share),
			measured: fmt.Sprintf("%.0f of %.0f: %.1f %%", rate, bareRate, 100*rate/bareRate),
			ok:       rate >= share*bareRate,
		}.judged(enough, ids),
	}, nil
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// bare calls the emulator for the chats from one number to another with nothing but net/http, and returns the time.
func bare(ctx context.Context, url string, from, to, concurrency int) (time.Duration, error) {
	client, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}, dingtalk.WithBaseURL(url))
	if err != nil {
		return 0, err
	}
	token, err := client.Token(ctx)
	if err != nil {
		return 0, err
	}
	client.CloseIdleConnections()
	transport := &http.Transport{MaxIdleConnsPerHost: concurrency}
	defer transport.CloseIdleConnections()
	loop := bareLoop{client: http.Client{Transport: transport}, token: token}
	loop.before, loop.after, _ = strings.Cut(url+generated.OperationChatIDToOpenConversationID.Path, "{chatId}")
	loop.next.Store(int64(from))
	var (
		workers sync.WaitGroup
		failure atomic.Pointer[error]
	)
	start := time.Now()
	for range concurrency {
		workers.Go(func() {
			if err := loop.work(ctx, int64(to)); err != nil {
				failure.Store(&err)
			}
		})
	}
	workers.Wait()
	wall := time.Since(start)
	if err := failure.Load(); err != nil {
		return 0, fmt.Errorf("bare loop: %w", *err)
	}
	return wall, nil
}

// bareLoop is what a caller writes who needs nothing of an SDK: no checks, no repeats, the result not even decoded.
type bareLoop struct {
	client        http.Client
	token         string
	before, after string // the chat id in a URL
	next          atomic.Int64
}

func (l *bareLoop) work(ctx context.Context, to int64) error {
	for n := l.next.Add(1) - 1; n < to; n = l.next.Add(1) - 1 {
		if err := l.call(ctx, l.before+chatID(int(n))+l.after); err != nil {
			return err
		}
	}
	return nil
}

func (l *bareLoop) call(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set(generated.TokenHeader, l.token)
	resp, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %d", resp.StatusCode)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
