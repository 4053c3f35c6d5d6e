package dingtalktest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// A test has a *testing.T; an example has to make do with this.
var t = new(exampleTB)

type exampleTB struct{ testing.TB }

func (*exampleTB) Helper()        {}
func (*exampleTB) Cleanup(func()) {}

// convert is an app's own code: here a bare call with the generated client.
func convert(url, token, chatID string) string {
	client, err := generated.NewClientWithResponses(url)
	if err != nil {
		return err.Error()
	}
	answer, err := client.ChatIDToOpenConversationIDWithResponse(context.Background(), chatID,
		func(_ context.Context, r *http.Request) error {
			r.Header.Set(generated.TokenHeader, token)
			return nil
		})
	switch {
	case err != nil:
		return "no answer"
	case answer.JSON200 != nil && answer.JSON200.OpenConversationID != "":
		return answer.JSON200.OpenConversationID
	case answer.JSON400 != nil:
		return answer.Status() + ": " + answer.JSON400.Code
	case answer.JSON403 != nil:
		return answer.Status() + ": " + answer.JSON403.Code
	}
	return answer.Status() + ": " + strings.TrimSpace(string(answer.Body))
}

func ExampleNewServer() {
	server := dingtalktest.NewServer(t, dingtalktest.WithChat("chat-of-sales", "cidSalesSalesSalesSales0Q=="))
	defer server.Close() // Needed here only: a test's end does it.

	token := server.IssueToken()
	fmt.Println(convert(server.URL, token, dingtalktest.ChatID))
	fmt.Println(convert(server.URL, token, "chat-of-sales"))
	fmt.Println(convert(server.URL, token, "chat-of-nobody"))
	fmt.Println(server.Count(generated.OperationChatIDToOpenConversationID), "requests")
	// Output:
	// cidl1B8RVUFmkO50OC9uEbySQ==
	// cidSalesSalesSalesSales0Q==
	// 400 Bad Request: invalideChatId
	// 3 requests
}

func Example_faults() {
	server := dingtalktest.NewServer(t)
	defer server.Close()
	server.FailNext(
		dingtalktest.Code(generated.CodeAppQPSLimit).Times(2).WithRetryAfter("1"),
		dingtalktest.Code("aCodeOfTomorrow").WithStatus(http.StatusForbidden).WithMessage("No."),
		dingtalktest.Raw(http.StatusOK, "application/json", []byte(`{}`)),
		dingtalktest.Reset(),
		dingtalktest.Bytes([]byte("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")),
		dingtalktest.Pass().WithDelay(time.Millisecond),
		dingtalktest.Code(generated.CodeUnknownError).For(generated.OperationGetAccessToken),
	)

	token := server.IssueToken()
	for range 7 {
		fmt.Println(convert(server.URL, token, dingtalktest.ChatID))
	}
	server.RejectTokens()
	fmt.Println(convert(server.URL, token, dingtalktest.ChatID))
	fmt.Println("still queued, for the token call:", server.Pending())
	// Output:
	// 403 Forbidden: Forbidden.AccessDenied.QpsLimitForAppkeyAndApi
	// 403 Forbidden: Forbidden.AccessDenied.QpsLimitForAppkeyAndApi
	// 403 Forbidden: aCodeOfTomorrow
	// 200 OK: {}
	// no answer
	// no answer
	// cidl1B8RVUFmkO50OC9uEbySQ==
	// 400 Bad Request: InvalidAuthentication
	// still queued, for the token call: 1
}

func ExampleEmulator_Configure() {
	server := dingtalktest.NewServer(t)
	defer server.Close()
	token := server.IssueToken()

	server.Configure(dingtalktest.WithoutPermission())
	fmt.Println(convert(server.URL, token, dingtalktest.ChatID))
	server.Configure(dingtalktest.WithPermission())
	fmt.Println(convert(server.URL, token, dingtalktest.ChatID))
	// Output:
	// 403 Forbidden: Forbidden.AccessDenied.AccessTokenPermissionDenied
	// cidl1B8RVUFmkO50OC9uEbySQ==
}
