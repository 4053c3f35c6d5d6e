package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Convert one chat. An app uses its own key and secret, without WithBaseURL.
func Example() {
	emulator := dingtalktest.NewServer(nil)
	defer emulator.Close()

	client, err := dingtalk.NewClient(
		dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret},
		dingtalk.WithBaseURL(emulator.URL),
	)
	if err != nil {
		log.Fatal(err)
	}
	id, err := client.OpenConversationID(context.Background(), "chatfaabe59a460527f5fb72fbbdfe3f061e")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id)
	// Output: cidl1B8RVUFmkO50OC9uEbySQ==
}

// Decide by an error's kind. Code, RequestID and the other fields are for people.
func ExampleError() {
	emulator := dingtalktest.NewServer(nil)
	defer emulator.Close()
	client, err := dingtalk.NewClient(dingtalk.StaticToken(emulator.IssueToken()), dingtalk.WithBaseURL(emulator.URL))
	if err != nil {
		log.Fatal(err)
	}

	explain := func(chatID string) {
		_, err := client.OpenConversationID(context.Background(), chatID)
		var failed *dingtalk.Error
		switch {
		case errors.Is(err, dingtalk.ErrInvalidChatID):
			fmt.Printf("no such chat: %s\n", chatID)
		case errors.Is(err, dingtalk.ErrPermissionDenied) && errors.As(err, &failed):
			fmt.Printf("grant the app %v\n", failed.RequiredScopes)
		case errors.Is(err, dingtalk.ErrQuotaExhausted):
			fmt.Println("come back next month")
		case errors.As(err, &failed):
			fmt.Printf("HTTP %d: %s\n", failed.StatusCode, failed.Code)
		}
	}
	explain("chat-of-nobody")
	emulator.Configure(dingtalktest.WithoutPermission())
	explain(dingtalktest.ChatID)
	emulator.Configure(dingtalktest.WithPermission(), dingtalktest.WithMonthlyQuota(0))
	explain(dingtalktest.ChatID)
	emulator.FailNext(dingtalktest.Code("aCodeOfTomorrow"))
	explain(dingtalktest.ChatID)
	// Output:
	// no such chat: chat-of-nobody
	// grant the app [qyapi_chat_read]
	// come back next month
	// HTTP 400: aCodeOfTomorrow
}

// Convert many chats. A failed chat does not stop the others; an error that every chat would meet ends the run.
func ExampleClient_OpenConversationIDs() {
	emulator := dingtalktest.NewServer(nil, dingtalktest.WithChat("chat-of-sales", "cidSalesSalesSalesSales0Q=="))
	defer emulator.Close()
	client, err := dingtalk.NewClient(
		dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret},
		dingtalk.WithBaseURL(emulator.URL),
	)
	if err != nil {
		log.Fatal(err)
	}

	chatIDs := []string{"chat-of-sales", "chat-of-nobody", dingtalktest.ChatID, "chat-of-sales"}
	for conversion, err := range client.OpenConversationIDs(context.Background(), slices.Values(chatIDs)) {
		switch {
		case errors.Is(err, dingtalk.ErrNotTried):
			log.Fatal(err) // ends the run: exhausted quota, missing permission, no network
		case errors.Is(err, dingtalk.ErrInvalidChatID):
			fmt.Println(conversion.ChatID, "is unknown")
		case err != nil:
			fmt.Println(conversion.ChatID, "failed:", err)
		default:
			fmt.Println(conversion.ChatID, conversion.OpenConversationID)
		}
	}
	fmt.Println(emulator.Count(generated.OperationChatIDToOpenConversationID), "calls for 4 rows")
	// Output:
	// chat-of-sales cidSalesSalesSalesSales0Q==
	// chat-of-nobody is unknown
	// chatfaabe59a460527f5fb72fbbdfe3f061e cidl1B8RVUFmkO50OC9uEbySQ==
	// chat-of-sales cidSalesSalesSalesSales0Q==
	// 3 calls for 4 rows
}

// Options set the host, the limits and the log.
func ExampleNewClient() {
	client, err := dingtalk.NewClient(
		dingtalk.AppCredentials{AppKey: "your-app-key", AppSecret: "your-app-secret"},
		dingtalk.WithRegion(dingtalk.MainlandChina),
		dingtalk.WithTimeout(3*time.Second),                // per attempt
		dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 5}), // other fields keep their defaults
		dingtalk.WithLimiter(dingtalk.NewLimiter(10)),      // half of the service's rate limit
		dingtalk.WithLogger(slog.Default()),
		dingtalk.WithUserAgent("chat-migration/1.0"),
	)
	fmt.Println(client, err)
	// Output: dingtalk.Client(https://api.dingtalk.com) <nil>
}

// An app's test starts an emulator, connects the client to it, and injects faults of the service.
func Example_test() {
	emulator := dingtalktest.NewServer(nil, dingtalktest.WithChat("chat-of-sales", "cidSalesSalesSalesSales0Q=="))
	defer emulator.Close() // not needed in a test that passes its t instead of nil
	client, err := dingtalk.NewClient(
		dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret},
		dingtalk.WithBaseURL(emulator.URL),
	)
	if err != nil {
		log.Fatal(err)
	}

	emulator.FailNext(
		dingtalktest.Code(generated.CodeServiceBusy),
		dingtalktest.Raw(http.StatusBadGateway, "text/html", []byte("<html>")),
	)
	id, err := client.OpenConversationID(context.Background(), "chat-of-sales")
	fmt.Println(id, err)

	emulator.RejectTokens()
	id, err = client.OpenConversationID(context.Background(), "chat-of-sales")
	fmt.Println(id, err)
	fmt.Println(emulator.Count(generated.OperationGetAccessToken), "token calls answered or failed")
	// Output:
	// cidSalesSalesSalesSales0Q== <nil>
	// cidSalesSalesSalesSales0Q== <nil>
	// 4 token calls answered or failed
}

// tokenVault is a service that owns the app's secret and issues tokens.
type tokenVault struct{ emulator *dingtalktest.Server }

func (v tokenVault) Token(context.Context) (string, error) { return v.emulator.IssueToken(), nil }
func (v tokenVault) RejectToken(_ context.Context, token string) {
	fmt.Println("told of a rejected token")
}

// Tokens kept elsewhere come from your own TokenSource.
func ExampleTokenSource() {
	emulator := dingtalktest.NewServer(nil)
	defer emulator.Close()
	client, err := dingtalk.NewClient(tokenVault{emulator}, dingtalk.WithBaseURL(emulator.URL))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.OpenConversationID(context.Background(), dingtalktest.ChatID))
	// Output: cidl1B8RVUFmkO50OC9uEbySQ== <nil>
}
