package dingtalk_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() {
	addRow("row_28_lifetime_of_every_kind", testLifetimes)
	addRow("row_29_wrong_credentials_are_remembered", testWrongCredentials)
	addRow("row_30_clock_jumps_forward", testClockForward)
	addRow("row_31_clock_jumps_back", testClockBack)
}

func testLifetimes(t *testing.T) {
	const floor, day = 5 * time.Second, 24 * time.Hour
	for expireIn, test := range map[string]struct {
		ends   time.Duration // when a call waits for another token
		renews time.Duration // when one is fetched in the background; 0: never
	}{
		`,"expireIn":0`:                    {floor, 0},
		`,"expireIn":-1`:                   {floor, 0},
		`,"expireIn":-9223372036854775808`: {floor, 0},
		``:                                 {floor, 0},
		`,"expireIn":null`:                 {floor, 0},
		`,"expireIn":"0"`:                  {floor, 0},
		`,"expireIn":""`:                   {floor, 0},
		`,"expireIn":"soon"`:               {floor, 0},
		`,"expireIn":"NaN"`:                {floor, 0},
		`,"expireIn":true`:                 {floor, 0},
		`,"expireIn":[7200]`:               {floor, 0},
		`,"expireIn":{"seconds":7200}`:     {floor, 0},
		`,"expireIn":0.001`:                {floor, 0},
		`,"expireIn":7200`:                 {7200 * time.Second, 6600 * time.Second},
		`,"expireIn":"7200"`:               {7200 * time.Second, 6600 * time.Second},
		`,"expireIn":7200.0`:               {7200 * time.Second, 6600 * time.Second},
		`,"expireIn":7.2e3`:                {7200 * time.Second, 6600 * time.Second},
		`,"expireIn":60`:                   {60 * time.Second, 48 * time.Second},
		`,"expireIn":90000`:                {day, day - 10*time.Minute},
		`,"expireIn":9223372036854775807`:  {day, day - 10*time.Minute},
		`,"expireIn":1e300`:                {day, day - 10*time.Minute},
		`,"expireIn":1e999`:                {day, day - 10*time.Minute},
		`,"expireIn":"1e999"`:              {day, day - 10*time.Minute},
	} {
		t.Run(strings.TrimPrefix(expireIn, ","), func(t *testing.T) {
			clock := newHandClock()
			client, server := newEmulated(t, clock.option())
			server.FailNext(dingtalktest.Raw(200, "application/json", []byte(`{"accessToken":"`+server.IssueToken()+`"`+expireIn+`}`)).Always().For(tokenOp))
			calls := 0
			fetched := func(want int) {
				t.Helper()
				for range 3 {
					convert(t, client, "any")
					calls++
				}
				eventually(t, "no token call is under way", func() bool { return client.TokenWaiters() == -1 })
				wantRequests(t, server.Emulator, calls, want)
			}
			fetched(1)
			tokens := 1
			if test.renews > 0 {
				clock.Move(test.renews - time.Millisecond)
				fetched(tokens)
				clock.Move(time.Millisecond)
				tokens++
				fetched(tokens)
			}
			if test.renews == 0 {
				clock.Move(test.ends - time.Millisecond)
				fetched(tokens)
				clock.Move(time.Millisecond)
			} else {
				clock.Move(test.ends)
			}
			fetched(tokens + 1)
		})
	}
}

func testWrongCredentials(t *testing.T) {
	const secret = "secretOfWorth"
	clock := newHandClock()
	g := newGateway(t, true, nil)
	client := newClient(t, g.URL, dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: secret}, clock.option())
	call := func(local bool) {
		e := refused(t, client, dingtalk.ErrUnauthenticated)
		if e.Code != generated.CodeInvalidClientIDOrSecret || !e.TokenEndpoint || e.Local != local || e.RequestID == "" || strings.Contains(fmt.Sprintf("%v %+v %#v", e, e, e), secret) {
			t.Errorf("%#v", e)
		}
	}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() { call(false) })
	}
	g.wait(t)
	eventually(t, "all wait", func() bool { return client.TokenWaiters() == 20 })
	g.release(t)
	group.Wait()
	call(true)
	clock.Move(2999 * time.Millisecond)
	call(true)
	wantRequests(t, g.Emulator, 0, 1)

	clock.Move(time.Millisecond)
	g.Configure(dingtalktest.WithCredentials(dingtalktest.AppKey, secret))
	go func() { g.wait(t); g.release(t) }()
	convert(t, client, "any")
	wantRequests(t, g.Emulator, 1, 2)
}

func testClockForward(t *testing.T) {
	clock := newHandClock()
	server := dingtalktest.NewServer(t, dingtalktest.WithClock(clock.Now))
	client := newClient(t, server.URL, appCredentials, clock.option())
	convert(t, client, dingtalktest.ChatID)
	clock.Move(3 * time.Hour) // as a laptop that slept
	convert(t, client, dingtalktest.ChatID)
	wantRequests(t, server.Emulator, 2, 2)
}

func testClockBack(t *testing.T) {
	t.Run("the token in use is replaced when it is rejected", func(t *testing.T) {
		clock, service := newHandClock(), newHandClock()
		server := dingtalktest.NewServer(t, dingtalktest.WithClock(service.Now))
		client := newClient(t, server.URL, appCredentials, clock.option())
		convert(t, client, dingtalktest.ChatID)
		service.Move(3 * time.Hour)
		clock.Move(-time.Hour)
		convert(t, client, dingtalktest.ChatID)
		wantRequests(t, server.Emulator, 3, 2)
	})
	t.Run("what was remembered for seconds is not for an hour", func(t *testing.T) {
		clock := newHandClock()
		server := dingtalktest.NewServer(t, dingtalktest.WithCredentials(dingtalktest.AppKey, "another"))
		client := newClient(t, server.URL, appCredentials, clock.option())
		_ = refused(t, client, dingtalk.ErrUnauthenticated)
		server.Configure(dingtalktest.WithCredentials(dingtalktest.AppKey, dingtalktest.AppSecret))
		clock.Move(-time.Hour)
		convert(t, client, dingtalktest.ChatID)
	})
}
