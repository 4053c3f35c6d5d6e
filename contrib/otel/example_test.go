package dingtalkotel_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	dingtalkotel "github.com/dingtalk-openapi/openconversation-go/contrib/otel"
	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Every part of a client is measured, and so every panel of the dashboard has data. With package dingtalkredis, wrap the
// fleet's parts, and add telemetry.Fleet(fleet).
func Example() {
	server := dingtalktest.NewServer(nil)
	defer server.Close()

	telemetry, err := dingtalkotel.New()
	if err != nil {
		panic(err)
	}
	client, err := dingtalk.NewClient(dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret},
		dingtalk.WithBaseURL(server.URL),
		dingtalk.WithHTTPClient(&http.Client{Transport: telemetry.Transport(dingtalk.NewTransport())}),
		dingtalk.WithLogger(telemetry.Logger(slog.Default())),
		dingtalk.WithLimiter(telemetry.Limiter(dingtalk.NewLimiter(dingtalk.DefaultRate))),
		dingtalk.WithBudget(telemetry.Budget(&counted{})),
		dingtalk.WithCache(telemetry.Cache(memory{})))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	id, err := client.OpenConversationID(ctx, dingtalktest.ChatID)
	telemetry.Done(ctx, &generated.OperationChatIDToOpenConversationID, err)
	fmt.Println(id, err)
	// Output: cidl1B8RVUFmkO50OC9uEbySQ== <nil>
}
