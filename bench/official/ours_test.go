package official

import (
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/bench/official/sixty"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
)

// ours is the generated side.
func ours(t *testing.T, recorder *Recorder, contract *Contract) Side {
	t.Helper()
	client, err := dingtalk.NewClient(dingtalk.StaticToken(Token), dingtalk.WithBaseURL(recorder.URL()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return NewGenerated(sixty.New(client), contract)
}
