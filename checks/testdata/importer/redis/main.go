// Command app converts a chat with limits that it shares with other machines through Redis, as a user's app would.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalkredis"
)

func main() {
	creds := dingtalk.AppCredentials{AppKey: os.Getenv("DINGTALK_APP_KEY"), AppSecret: os.Getenv("DINGTALK_APP_SECRET")}
	fleet, err := dingtalkredis.New(redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDRESS")}), creds)
	if err != nil {
		log.Fatal(err)
	}
	client, err := dingtalk.NewClient(creds,
		dingtalk.WithBaseURL(os.Getenv("DINGTALK_BASE_URL")),
		dingtalk.WithTokenStore(fleet.TokenStore()),
		dingtalk.WithLimiter(fleet.Limiter(dingtalk.DefaultRate)),
		dingtalk.WithBudget(fleet.Budget(5000, dingtalkredis.Available())),
		dingtalk.WithCache(fleet.Cache(24*time.Hour)))
	if err != nil {
		log.Fatal(err)
	}
	id, err := client.OpenConversationID(context.Background(), os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id)
}
