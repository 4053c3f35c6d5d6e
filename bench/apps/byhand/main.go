// Command byhand is the app written with net/http: it fetches a token and makes one call.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
)

const host = "https://api.dingtalk.io"

func main() {
	ctx := context.Background()
	token, err := fetchToken(ctx, os.Args[2], os.Args[3])
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(convert(ctx, os.Args[1], token))
}

func fetchToken(ctx context.Context, key, secret string) (string, error) {
	body, err := json.Marshal(map[string]string{"appKey": key, "appSecret": secret})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, host+"/v1.0/oauth2/accessToken", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	var out struct {
		AccessToken string `json:"accessToken"`
	}
	err = do(req, &out)
	return out.AccessToken, err
}

func convert(ctx context.Context, chatID, token string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, host+"/v1.0/im/chat/"+url.PathEscape(chatID)+"/convertToOpenConversationId", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("x-acs-dingtalk-access-token", token)
	var out struct {
		OpenConversationID string `json:"openConversationId"`
	}
	err = do(req, &out)
	return out.OpenConversationID, err
}

func do(req *http.Request, out any) error {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, body)
	}
	return json.Unmarshal(body, out)
}
