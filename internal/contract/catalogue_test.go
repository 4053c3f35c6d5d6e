package contract_test

import (
	"os"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
)

const (
	contractFile  = "../../openapi.yaml"
	catalogueHead = "      x-error-codes:\n        - code: invalideChatId\n" // of the catalogue that all operations share
	rowsHead      = "      x-error-codes:\n"
	firstRow      = "        - code: invalideChatId\n"
)

func own(t testing.TB) string {
	t.Helper()
	content, err := os.ReadFile(contractFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func parse(text string) error {
	_, err := contract.Parse("openapi.yaml", []byte(text))
	return err
}

// withRow returns the contract with one more row at the head of its catalogue.
func withRow(t *testing.T, row string) string {
	t.Helper()
	before, after, ok := strings.Cut(own(t), catalogueHead)
	if !ok {
		t.Fatalf("%s has no line %q", contractFile, catalogueHead)
	}
	var indented strings.Builder
	for line := range strings.Lines(strings.TrimSpace(row) + "\n") {
		indented.WriteString("        " + line)
	}
	return before + rowsHead + indented.String() + firstRow + after
}

// TestMalformed: a row, or another part of this project's contract, that is malformed is named, with its line.
func TestMalformed(t *testing.T) {
	const codes, limits, schemes = "    ApiError:\n", "x-limits:", "securitySchemes:"
	const good = `
- code: chat.dissolved
  name: ChatDissolved
  aliases: [chatGone]
  status: 400
  kind: rejected
  retry: false
  token: keep
  description: The chat was dissolved.
  observed: false`
	if err := parse(withRow(t, good)); err != nil {
		t.Fatalf("the row that the cases start from: %v", err)
	}
	whole := withRow(t, good)
	for _, tt := range []struct{ name, old, new, want, head string }{
		{"no code", "- code: chat.dissolved\n ", "-", "(missing: code)", codes},
		{"code is a number", "code: chat.dissolved", "code: 40014", "0 code: code, or an alias, is missing or has a character", codes},
		{"code with a space", "code: chat.dissolved", "code: chat dissolved", "has a character that is not printable ASCII", codes},
		{"code not ASCII", "code: chat.dissolved", "code: ſystem", "has a character that is not printable ASCII", codes},
		{"name not exported", "name: ChatDissolved", "name: chatDissolved", "0 name: name is not an exported", codes},
		{"empty alias", "[chatGone]", "['']", "aliases 0: code, or an alias, is missing", codes},
		{"alias is not a list", "[chatGone]", "chatGone", "aliases is not a list", codes},
		{"status of a success", "status: 400", "status: 201", "status is neither", codes},
		{"status is text", "status: 400", "status: bad", "status is neither", codes},
		{"unknown kind", "kind: rejected", "kind: gone", "kind is none of invalid-chat-id, ", codes},
		{"retry is text", "retry: false", "retry: sometimes", "retry is neither true nor false", codes},
		{"wait without retry", "retry: false", "retry: false\n  waitSeconds: 1", "waitSeconds without retry", codes},
		{"wait over an hour", "retry: false", "retry: true\n  waitSeconds: 3601", "waitSeconds is not between", codes},
		{"unknown token effect", "token: keep", "token: burn", "token is none of keep, drop, fetch, none", codes},
		{"two-line description", "The chat was dissolved.", `"Two\nlines."`, "it is not one line", codes},
		{"no observed", "\n  observed: false", "", "(missing: observed)", codes},
		{"unknown field", "token: keep", "token: keep\n  retryAfter: 3", "retryAfter: it is no field of a row", codes},
		{"not a map", good, "\n- chat.dissolved", "a row has code, name", codes},
		{"null", good, "\n- null", "a row has code, name", codes},
		{"alias repeats the code", "[chatGone]", "[Chat.Dissolved]", `row chat.dissolved: "Chat.Dissolved" is taken by chat.dissolved`, codes},
		{"taken code", "code: chat.dissolved", "code: SYSTEMERROR", `systemError: "systemError" is taken by SYSTEMERROR`, codes},
		{"taken name", "name: ChatDissolved", "name: SystemError", `systemError: "name SystemError" is taken by chat.dissolved`, codes},
		{"rows that are no list", rowsHead + "        - code: chat.dissolved", "      x-error-codes: none\n      x-other:\n        - code: chat.dissolved", "ApiError x-error-codes: it is not a list of rows", codes},
		{"no rows", rowsHead + "        - code: chat.dissolved", "      x-error-codes: []\n      x-other:\n        - code: chat.dissolved", "ApiError x-error-codes: it is not a list of rows", codes},
		{"token in a cookie", "type: apiKey\n      in: header", "type: apiKey\n      in: cookie", "no apiKey in a header or a query", schemes},
		{"limits that are no map", "\nx-limits:", "\nx-limits: 20\nx-other:", "x-limits is not a map", limits},
		{"a limit of zero", "callsPerSecond: 20", "callsPerSecond: 0", "callsPerSecond: it is not a positive whole number", limits},
		{"a limit that is a fraction", "banSeconds: 300", "banSeconds: 0.5", "banSeconds: it is not a positive whole number", limits},
		{"a limit that is missing", "  tokenSeconds: 7200", "  ", "(missing: tokenSeconds)", limits},
		{"an unknown limit", "  banSeconds: 300", "  banSeconds: 300\n  callsPerDay: 1", "it is a field that is none of this generator's", limits},
		{"limits without an address", "  page: https:", "  page: http:", "page is no https URL", limits},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := withRow(t, strings.Replace(good, tt.old, tt.new, 1))
			if text == whole {
				text = strings.Replace(whole, tt.old, tt.new, 1)
			}
			if text == whole {
				t.Fatalf("the contract holds no %q", tt.old)
			}
			err := parse(text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v\nlacks %s", err, tt.want)
			}
			wantLine(t, err, text, tt.head)
		})
	}
}
