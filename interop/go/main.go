// Command go is the Go program of the interop table, on the SDK: it reads what to do, one JSON object a line, and prints what came of it.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// line is what the program reads: a client to make, or calls to make at once, by their names in calls.
type line struct {
	Client *settings
	Calls  [][2]string
}

var calls = map[string]func(*dingtalk.Client, string) (string, error){"convert": convert, "send": send, "getChat": getChat}

type settings struct {
	URL, AppKey, AppSecret, CA string
	Timeout                    float64 // seconds
}

func main() {
	var client *dingtalk.Client
	lines, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var wanted line
		if err := json.Unmarshal(lines.Bytes(), &wanted); err != nil {
			log.Fatal(err)
		}
		reports := make([]map[string]any, len(wanted.Calls))
		var all sync.WaitGroup
		for i, call := range wanted.Calls {
			all.Go(func() { reports[i] = outcome(calls[call[0]](client, call[1])) })
		}
		all.Wait()
		if wanted.Client != nil {
			var err error
			client, err = newClient(wanted.Client)
			reports = append(reports, outcome("", err))
		}
		if err := out.Encode(reports); err != nil {
			log.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}

func newClient(of *settings) (*dingtalk.Client, error) {
	opts := []dingtalk.Option{dingtalk.WithBaseURL(of.URL)}
	if of.Timeout > 0 {
		opts = append(opts, dingtalk.WithTimeout(time.Duration(of.Timeout*float64(time.Second))))
	}
	if of.CA != "" {
		pem, err := os.ReadFile(of.CA)
		if err != nil {
			return nil, err
		}
		trusted := x509.NewCertPool()
		trusted.AppendCertsFromPEM(pem)
		opts = append(opts, dingtalk.WithHTTPClient(&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}))
	}
	return dingtalk.NewClient(dingtalk.AppCredentials{AppKey: of.AppKey, AppSecret: of.AppSecret}, opts...)
}

func convert(client *dingtalk.Client, id string) (string, error) {
	return client.OpenConversationID(context.Background(), id)
}

func send(client *dingtalk.Client, id string) (string, error) {
	answer, err := client.OrgGroupSend(context.Background(), generated.OrgGroupSendRequest{
		OpenConversationID: id, RobotCode: "robot", MsgKey: "sampleText", MsgParam: "{}",
	})
	return answer.ProcessQueryKey, err
}

func getChat(client *dingtalk.Client, id string) (string, error) {
	answer, err := client.GetChat(context.Background(), generated.GetChatParams{ChatID: id})
	if answer.ChatInfo == nil {
		return "", err
	}
	return *answer.ChatInfo.ChatID, err
}

func outcome(id string, err error) map[string]any {
	var e *dingtalk.Error
	switch {
	case err == nil:
		return map[string]any{"id": id}
	case !errors.As(err, &e):
		return map[string]any{"failure": err.Error()}
	}
	return map[string]any{
		"status": e.StatusCode, "code": e.Code, "message": e.Message, "requestId": e.RequestID, "requiredScopes": e.RequiredScopes,
		"failure": err.Error(),
	}
}
