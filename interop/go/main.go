// Command go is the Go program of the interop table: it uses the generated client without the wrapper around it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// report is the line that the program prints.
type report struct {
	ID             string   `json:"id,omitempty"`
	AccessToken    string   `json:"accessToken,omitempty"`
	ExpireIn       int32    `json:"expireIn,omitempty"`
	Status         int      `json:"status,omitempty"`
	Code           string   `json:"code,omitempty"`
	Message        string   `json:"message,omitempty"`
	RequestID      string   `json:"requestId,omitempty"`
	RequiredScopes []string `json:"requiredScopes,omitempty"`
	Failure        string   `json:"failure,omitempty"`
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: client convert URL TOKEN CHATID | client token URL APPKEY APPSECRET")
		os.Exit(2)
	}
	call := convert
	if os.Args[1] == "token" {
		call = token
	}
	result, err := call(os.Args[2], os.Args[3], os.Args[4])
	if err != nil {
		result.Failure = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func convert(url, token, chatID string) (report, error) {
	client, err := generated.NewClient(url, generated.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set(generated.TokenHeader, token)
		return nil
	}))
	if err != nil {
		return report{}, err
	}
	response, err := client.ChatIDToOpenConversationID(context.Background(), chatID)
	var answer generated.ChatIDToOpenConversationIDResponseBody
	result, err := read(response, err, &answer)
	result.ID = answer.OpenConversationID
	return result, err
}

func token(url, appKey, appSecret string) (report, error) {
	client, err := generated.NewClient(url)
	if err != nil {
		return report{}, err
	}
	response, err := client.GetAccessToken(context.Background(),
		generated.GetAccessTokenRequest{AppKey: appKey, AppSecret: appSecret})
	var answer generated.GetAccessTokenResponseBody
	result, err := read(response, err, &answer)
	result.AccessToken, result.ExpireIn = answer.AccessToken, answer.ExpireIn
	return result, err
}

// read decodes an answer: the generated client makes requests, and leaves answers to its caller.
func read(response *http.Response, err error, answer any) (report, error) {
	if err != nil {
		return report{}, err
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	if response.StatusCode == http.StatusOK {
		return report{}, decoder.Decode(answer)
	}
	result := report{Status: response.StatusCode}
	var e generated.APIError
	if err := decoder.Decode(&e); err != nil {
		return result, err
	}
	result.Code, result.Message = e.Code, e.Message
	if e.RequestID != nil {
		result.RequestID = *e.RequestID
	}
	if e.AccessDeniedDetail != nil {
		result.RequiredScopes = e.AccessDeniedDetail.RequiredScopes
	}
	return result, nil
}
