package dingtalkredis_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/redis/go-redis/v9"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
)

// Twenty processes that run this code share one token, 20 calls a second, 5,000 calls a month and what they convert.
func Example() {
	creds := dingtalk.AppCredentials{AppKey: "your-app-key", AppSecret: "your-app-secret"}
	redisClient := redis.NewClient(&redis.Options{Addr: "redis.example.com:6379"})
	fleet, err := dingtalkredis.New(redisClient, creds, dingtalkredis.WithPods(20))
	if err != nil {
		log.Fatal(err)
	}
	budget := fleet.Budget(5000)
	client, err := dingtalk.NewClient(creds,
		dingtalk.WithTokenStore(fleet.TokenStore()),
		dingtalk.WithLimiter(fleet.Limiter(dingtalk.DefaultRate)),
		dingtalk.WithBudget(budget),
		dingtalk.WithCache(fleet.Cache(24*time.Hour)))
	if err != nil {
		log.Fatal(err)
	}
	id, err := client.OpenConversationID(context.Background(), "chatfaabe59a460527f5fb72fbbdfe3f061e")
	if err != nil {
		log.Fatal(err)
	}
	used, err := budget.Used(context.Background())
	fmt.Println(id, used, err)
}
