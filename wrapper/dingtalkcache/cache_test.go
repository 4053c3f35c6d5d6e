package dingtalkcache

import (
	"context"
	"fmt"
	"testing"
	"time"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func TestLifetimeAndSize(t *testing.T) {
	cache, err := New(2, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	cache.now = func() time.Time { return now }
	ctx := t.Context()
	cache.Set(ctx, "a", "cidA")
	if id, ok := cache.Get(ctx, "a"); id != "cidA" || !ok {
		t.Errorf("got %q, %v", id, ok)
	}
	now = now.Add(time.Hour)
	if id, ok := cache.Get(ctx, "a"); id != "" || ok {
		t.Errorf("after its lifetime: got %q, %v", id, ok)
	}
	for _, id := range []string{"a", "b", "c"} {
		cache.Set(ctx, id, "cid"+id)
	}
	if _, ok := cache.Get(ctx, "a"); ok {
		t.Error("the oldest of three is still in a cache for two")
	}
	now = now.Add(-time.Second)
	if id, ok := cache.Get(ctx, "c"); ok {
		t.Errorf("%q was kept before the clock was set back, for nobody knows how long", id)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		size     int
		lifetime time.Duration
	}{{0, time.Hour}, {-1, time.Hour}, {1, 0}, {1, -time.Second}} {
		if _, err := New(c.size, c.lifetime); err == nil {
			t.Errorf("New(%d, %s) returned no error", c.size, c.lifetime)
		}
	}
}

func ExampleNew() {
	srv := dingtalktest.NewServer(nil)
	defer srv.Close()

	cache, err := New(10_000, 24*time.Hour)
	if err != nil {
		panic(err)
	}
	client, err := dingtalk.NewClient(
		dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret},
		dingtalk.WithBaseURL(srv.URL), dingtalk.WithCache(cache))
	if err != nil {
		panic(err)
	}
	for range 2 {
		id, err := client.OpenConversationID(context.Background(), dingtalktest.ChatID)
		fmt.Println(id, err)
	}
	fmt.Println(len(srv.Requests()), "requests: a token and one conversion")
	// Output:
	// cidl1B8RVUFmkO50OC9uEbySQ== <nil>
	// cidl1B8RVUFmkO50OC9uEbySQ== <nil>
	// 2 requests: a token and one conversion
}
