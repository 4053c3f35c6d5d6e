package dingtalktest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// convert is an app's own code. It repeats nothing, so that each fault is seen.
func convert(url, token, chatID string) string {
	client, err := dingtalk.NewClient(dingtalk.StaticToken(token), dingtalk.WithBaseURL(url),
		dingtalk.WithRetry(dingtalk.Retry{MaxAttempts: 1}))
	if err != nil {
		return err.Error()
	}
	id, err := client.OpenConversationID(context.Background(), chatID)
	var failure *dingtalk.Error
	if errors.As(err, &failure) {
		return strings.TrimSpace(fmt.Sprintf("%d %v %s", failure.StatusCode, failure.Kind, failure.Code))
	}
	return id
}

func ExampleNewServer() {
	server := dingtalktest.NewServer(nil, dingtalktest.WithChat("chat-of-sales", "cidSalesSalesSalesSales0Q=="))
	defer server.Close() // a test passes its t instead of nil, and need not

	token := server.IssueToken()
	fmt.Println(convert(server.URL, token, dingtalktest.ChatID))
	fmt.Println(convert(server.URL, token, "chat-of-sales"))
	fmt.Println(convert(server.URL, token, "chat-of-nobody"))
	fmt.Println(server.Count(generated.OperationChatIDToOpenConversationID), "requests")
	// Output:
	// cidl1B8RVUFmkO50OC9uEbySQ==
	// cidSalesSalesSalesSales0Q==
	// 400 chat id is unknown or malformed invalideChatId
	// 3 requests
}

func Example_faults() {
	server := dingtalktest.NewServer(nil)
	defer server.Close()
	server.FailNext(
		dingtalktest.Code(generated.CodeAppQPSLimit).Times(2),
		dingtalktest.Fault{Kind: "code", Code: "aCodeOfTomorrow", Status: http.StatusForbidden, Message: "No."},
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
	// 403 throttled Forbidden.AccessDenied.QpsLimitForAppkeyAndApi
	// 403 throttled Forbidden.AccessDenied.QpsLimitForAppkeyAndApi
	// 403 permission denied aCodeOfTomorrow
	// 200 unexpected response
	// 0 service unavailable
	// 200 unexpected response
	// cidl1B8RVUFmkO50OC9uEbySQ==
	// 400 credentials or access token rejected InvalidAuthentication
	// still queued, for the token call: 1
}

func ExampleEmulator_Configure() {
	server := dingtalktest.NewServer(nil)
	defer server.Close()
	token := server.IssueToken()

	server.Configure(dingtalktest.WithoutPermission())
	fmt.Println(convert(server.URL, token, dingtalktest.ChatID))
	server.Configure(dingtalktest.WithPermission())
	fmt.Println(convert(server.URL, token, dingtalktest.ChatID))
	// Output:
	// 403 permission denied Forbidden.AccessDenied.AccessTokenPermissionDenied
	// cidl1B8RVUFmkO50OC9uEbySQ==
}
