package official

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/dingtalk-openapi/openconversation-go/bench/official/sixty"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// last keeps the last request and its answer.
type last struct {
	request *http.Request
	status  int
	header  http.Header
	body    []byte
}

func (l *last) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	*l = last{r, answer.StatusCode, answer.Header, body}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// TestEmulator makes each call to the emulator. kin-openapi's filter finds its answers valid by the contract.
func TestEmulator(t *testing.T) {
	contract := readContract(t)
	const chat = "the-chatId_1" // the emulator knows which chats there are
	server := dingtalktest.NewServer(t, dingtalktest.WithSpec(sixty.Routes), dingtalktest.WithChat(chat, "cidOfTheComparison=="))
	seen := &last{}
	client, err := dingtalk.NewClient(
		dingtalk.AppCredentials{AppKey: dingtalktest.AppKey, AppSecret: dingtalktest.AppSecret},
		dingtalk.WithBaseURL(server.URL), dingtalk.WithHTTPClient(&http.Client{Transport: seen}),
	)
	if err != nil {
		t.Fatal(err)
	}
	generated := NewGenerated(sixty.New(client), contract)
	for _, id := range contract.IDs() {
		for _, fill := range []Fill{Full, Least} {
			t.Run(id+"/"+fill.String(), func(t *testing.T) {
				values, err := contract.values(id, fill)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := generated.Send(id, values); err != nil {
					t.Fatal(err)
				}
				op := contract.Operation(id)
				if want := strings.Count(op.Template, "/"); seen.request.Method != op.Method || strings.Count(seen.request.URL.EscapedPath(), "/") != want {
					t.Fatalf("the last request was %s %s", seen.request.Method, seen.request.URL)
				}
				item := contract.document.Paths.Value(op.Template)
				options := &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true}
				err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
					RequestValidationInput: &openapi3filter.RequestValidationInput{
						Request: seen.request, PathParams: values.Path, Options: options,
						Route: &routers.Route{Spec: contract.document, Path: op.Template, PathItem: item, Method: op.Method, Operation: item.GetOperation(op.Method)},
					},
					Status: seen.status, Header: seen.header, Body: io.NopCloser(bytes.NewReader(seen.body)), Options: options,
				})
				if err != nil {
					t.Errorf("%d %.200s: %v", seen.status, seen.body, err)
				}
			})
		}
	}
}
