package dingtalkredis_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/redis/go-redis/v9"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Twenty processes that run this code share one token, 20 calls a second, 5,000 calls a month and what they convert. An
// app names its own Redis, and no base URL. Here nobody listens at the address of Redis, so that the call goes on without.
func Example() {
	emulator := dingtalktest.NewServer(nil)
	defer emulator.Close()
	creds := dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret}
	redisClient := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer func() { _ = redisClient.Close() }()

	fleet, err := dingtalkredis.New(redisClient, creds, dingtalkredis.WithPods(20), dingtalkredis.WithBaseURL(emulator.URL))
	if err != nil {
		log.Fatal(err)
	}
	client, err := dingtalk.NewClient(creds,
		dingtalk.WithBaseURL(emulator.URL),
		dingtalk.WithTokenStore(fleet.TokenStore()),
		dingtalk.WithLimiter(fleet.Limiter(dingtalk.DefaultRate)),
		dingtalk.WithBudget(fleet.Budget(5000, dingtalkredis.Available())),
		dingtalk.WithCache(fleet.Cache(24*time.Hour)))
	if err != nil {
		log.Fatal(err)
	}
	id, err := client.OpenConversationID(context.Background(), "chatfaabe59a460527f5fb72fbbdfe3f061e")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id)
	// Output:
	// cidl1B8RVUFmkO50OC9uEbySQ==
}
