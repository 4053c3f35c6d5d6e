package dingtalk_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// exampleT stands in for the *testing.T that a test has and an example does not.
type exampleT struct{ testing.TB }

func (exampleT) Helper()        {}
func (exampleT) Cleanup(func()) {}

// Convert one chat. An app uses its own key and secret, and no WithBaseURL.
func Example() {
	emulator := dingtalktest.NewServer(exampleT{})
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

// What to do about an error is decided by its kind. Code, RequestID and the rest are there for people.
func ExampleError() {
	emulator := dingtalktest.NewServer(exampleT{})
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

// An app's own test starts an emulator, points the client at it, and makes it fail as the service may.
func Example_test() {
	t := exampleT{} // a test has a *testing.T
	emulator := dingtalktest.NewServer(t, dingtalktest.WithChat("chat-of-sales", "cidSalesSalesSalesSales0Q=="))
	defer emulator.Close() // the end of a test does it
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

// tokenVault is a service that owns the app's secret and hands out tokens.
type tokenVault struct{ emulator *dingtalktest.Server }

func (v tokenVault) Token(context.Context) (string, error) { return v.emulator.IssueToken(), nil }
func (v tokenVault) RejectToken(_ context.Context, token string) {
	fmt.Println("told of a rejected token")
}

// Tokens that are kept elsewhere come from a TokenSource of one's own.
func ExampleTokenSource() {
	emulator := dingtalktest.NewServer(exampleT{})
	defer emulator.Close()
	client, err := dingtalk.NewClient(tokenVault{emulator}, dingtalk.WithBaseURL(emulator.URL))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.OpenConversationID(context.Background(), dingtalktest.ChatID))
	// Output: cidl1B8RVUFmkO50OC9uEbySQ== <nil>
}
