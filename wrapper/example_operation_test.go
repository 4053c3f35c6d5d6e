package dingtalk_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// getUser is an operation that this module's contract does not have. openconversation-gen generates such a value and a
// method for each operation of a contract.
var getUser = dingtalk.Operation{
	ID: "getUser", Method: http.MethodGet, Path: "/v1.0/example/users/{userId}",
	Repeat: dingtalk.RepeatSafe, Status: http.StatusOK, Required: []string{"name"},
}

type user struct {
	Name string `json:"name"`
}

// emulated makes a client of an emulator with the operation.
func emulated() (client *dingtalk.Client, stop func()) {
	server := dingtalktest.NewServer(nil, dingtalktest.WithSpec([]generated.Route{{Operation: &getUser, Example: `{"name":"Ada"}`}}))
	client, err := dingtalk.NewClient(dingtalk.StaticToken(server.IssueToken()), dingtalk.WithBaseURL(server.URL))
	if err != nil {
		panic(err)
	}
	return client, server.Close
}

// An operation with a contract: its parameters are escaped, and its answer must have the required fields.
func ExampleDo() {
	client, stop := emulated()
	defer stop()

	request := dingtalk.NewRequest(&getUser)
	request.SetPath("userId", "a/b")
	found, err := dingtalk.Do[user](context.Background(), client, request)
	fmt.Println(found.Name, err)
	// Output: Ada <nil>
}

// An operation without a contract.
func ExampleClient_Do() {
	client, stop := emulated()
	defer stop()

	var found user
	err := client.Do(context.Background(), http.MethodGet, "/v1.0/example/users/"+url.PathEscape("a/b"), nil, &found)
	fmt.Println(found.Name, err)
	// Output: Ada <nil>
}

// Options of one call: a limit for all of it, a header, and the raw answer.
func ExampleCallOption() {
	client, stop := emulated()
	defer stop()

	request := dingtalk.NewRequest(&getUser)
	request.SetPath("userId", "ada")
	var answer dingtalk.Answer
	found, err := dingtalk.Do[user](context.Background(), client, request,
		dingtalk.WithCallTimeout(5*time.Second), dingtalk.WithHeader("Accept-Language", "zh-CN"), dingtalk.WithAnswer(&answer))
	fmt.Println(found.Name, err, answer.StatusCode, answer.RequestID != "")
	// Output: Ada <nil> 200 true
}
