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

func main() {
	var token struct {
		AccessToken string `json:"accessToken"`
	}
	var chat struct {
		OpenConversationID string `json:"openConversationId"`
	}
	ctx := context.Background()
	app, _ := json.Marshal(map[string]string{"appKey": os.Args[2], "appSecret": os.Args[3]}) // texts cannot fail
	err := post(ctx, "/v1.0/oauth2/accessToken", "", app, &token)
	if err == nil {
		err = post(ctx, "/v1.0/im/chat/"+url.PathEscape(os.Args[1])+"/convertToOpenConversationId", token.AccessToken, nil, &chat)
	}
	fmt.Println(chat.OpenConversationID, err)
}

func post(ctx context.Context, path, token string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.dingtalk.io"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-acs-dingtalk-access-token", token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, body)
	}
	return json.Unmarshal(body, out)
}
