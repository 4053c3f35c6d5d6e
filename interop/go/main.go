// Command go is the Go program of the interop table, on the SDK: it reads what to do, one JSON object a line, and prints
// what came of it.
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
	"slices"
	"sync"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// line is what the program reads.
type line struct {
	Client  *settings `json:"client"`
	Convert []string  `json:"convert"`
	Send    []string  `json:"send"`
	GetChat []string  `json:"getChat"`
}

// settings are those of a client.
type settings struct {
	URL    string  `json:"url"`
	Key    string  `json:"appKey"`
	Secret string  `json:"appSecret"`
	CA     string  `json:"ca"`
	Limit  float64 `json:"timeout"` // seconds
}

// report is what a call came to.
type report struct {
	ID             string   `json:"id,omitempty"`
	Status         int      `json:"status,omitempty"`
	Code           string   `json:"code,omitempty"`
	Message        string   `json:"message,omitempty"`
	RequestID      string   `json:"requestId,omitempty"`
	RequiredScopes []string `json:"requiredScopes,omitempty"`
	Failure        string   `json:"failure,omitempty"`
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	var client *dingtalk.Client
	lines, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var wanted line
		if err := json.Unmarshal(lines.Bytes(), &wanted); err != nil {
			return err
		}
		var reports []report
		if wanted.Client != nil {
			var err error
			client, err = newClient(wanted.Client)
			reports = append(reports, outcome("", err))
		} else {
			reports = slices.Concat(atOnce(client, wanted.Convert, convert), atOnce(client, wanted.Send, send), atOnce(client, wanted.GetChat, getChat))
		}
		if err := out.Encode(reports); err != nil {
			return err
		}
	}
	return lines.Err()
}

// atOnce makes the calls of one kind, all at once.
func atOnce(client *dingtalk.Client, of []string, call func(*dingtalk.Client, string) (string, error)) []report {
	reports := make([]report, len(of))
	var all sync.WaitGroup
	for i, id := range of {
		all.Go(func() { reports[i] = outcome(call(client, id)) })
	}
	all.Wait()
	return reports
}

func newClient(of *settings) (*dingtalk.Client, error) {
	opts := []dingtalk.Option{dingtalk.WithBaseURL(of.URL)}
	if of.Limit > 0 {
		opts = append(opts, dingtalk.WithTimeout(time.Duration(of.Limit*float64(time.Second))))
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
	return dingtalk.NewClient(dingtalk.AppCredentials{AppKey: of.Key, AppSecret: of.Secret}, opts...)
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

func outcome(id string, err error) report {
	if err == nil {
		return report{ID: id}
	}
	r := report{Failure: err.Error()}
	var e *dingtalk.Error
	if errors.As(err, &e) {
		r.Status, r.Code, r.Message, r.RequestID, r.RequiredScopes = e.StatusCode, string(e.Code), e.Message, e.RequestID, e.RequiredScopes
	}
	return r
}
