package generator_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/generator"
)

const (
	ownContract = "../../openapi.yaml"
	shapes      = "../shapes/shapes.yaml"
)

// folded is text with runs of white space as one space each, since gofmt aligns.
func folded(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestAddedCodeAndKindAreGenerated(t *testing.T) {
	text, err := os.ReadFile(ownContract)
	if err != nil {
		t.Fatal(err)
	}
	const head, first = "      x-error-codes:\n", "        - {code: invalideChatId,"
	c, err := contract.Parse("openapi.yaml", []byte(strings.Replace(string(text), head+first, `
        - {kind: tls-again, status: 502, text: again, textZh: 再, hint: none, hintZh: 无, description: 'It''s TLS, again.'}
`+head+`        - code: chat.dissolved
          name: ChatDissolved
          aliases: [chatGone, '49999']
          status: 503
          kind: unavailable
          retry: true
          waitSeconds: 7
          token: keep
          description: The chat was "dissolved" 解散.
          message: 群已解散
          observed: false
`+first, 1)))
	if err != nil {
		t.Fatal(err)
	}
	files, wrapper, err := generator.Own(c, ownContract)
	if err != nil {
		t.Fatal(err)
	}
	got := folded(string(files["errorcodes.gen.go"]))
	for _, want := range []string{
		`// CodeChatDissolved (HTTP 503): The chat was "dissolved" 解散. No live answer was seen.`,
		`CodeChatDissolved Code = "chat.dissolved"`,
		`{Rule: Rule{Code: "chat.dissolved", Aliases: []string{"chatGone", "49999"}, Kind: "unavailable", Retry: true, Wait: 7000000000 /* 7s */, Token: "keep"}, Name: "ChatDissolved", Status: 503,`,
		` {Code: "chat.dissolved", Aliases: []string{"chatGone", "49999"}, Kind: "unavailable", Retry: true, Wait: 7000000000 /* 7s */, Token: "keep"},`,
		`Description: "The chat was \"dissolved\" 解散.", Message: "群已解散"}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("errorcodes.gen.go lacks %s", want)
		}
	}
	got = folded(string(wrapper["kinds.gen.go"]))
	for _, want := range []string{`// ErrTLSAgain: It's TLS, again. ErrTLSAgain error = &Kind{"tls-again", "again"} )`, "&ErrTLSAgain, }"} {
		if !strings.Contains(got, want) {
			t.Errorf("kinds.gen.go lacks %s", want)
		}
	}
}

// TestPlainRequests: what has limits, or more than a path, is checked.
func TestPlainRequests(t *testing.T) {
	text, _ := os.ReadFile(ownContract) // which Parse refuses if it is empty
	const name, schema = "        - name: chatId\n          in: path\n", "schema: {type: string}\n          example: chatfaabe"
	for from, to := range map[string]string{
		"": "", schema: strings.Replace(schema, "string", "string, maxLength: 99", 1), name: "        - {name: x-more, in: header, schema: {type: string}}\n" + name,
	} {
		c, err := contract.Parse("openapi.yaml", []byte(strings.Replace(string(text), from, to, 1)))
		if err != nil {
			t.Fatal(err)
		}
		files, _, err := generator.Own(c, ownContract)
		if full := bytes.Contains(files["client.gen.go"], []byte("= NewRequest(&OperationChatIDToOpenConversationID)")); err != nil || full != (from != "") {
			t.Errorf("%q: checked: %t, %v", to, full, err)
		}
	}
}
