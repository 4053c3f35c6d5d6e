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

func TestMalformedRowFailsByName(t *testing.T) {
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
	for _, tt := range []struct{ name, old, new, want string }{
		{"no code", "- code: chat.dissolved\n ", "-", "row 1 ChatDissolved: code is missing"},
		{"empty code", "code: chat.dissolved", "code: ''", "row 1 ChatDissolved: code is missing"},
		{"code is a number", "code: chat.dissolved", "code: 40014", "row 1 ChatDissolved: json: cannot unmarshal number"},
		{"code with a space", "code: chat.dissolved", "code: chat dissolved", "row 1 chat dissolved: code has a character"},
		{"code not ASCII", "code: chat.dissolved", "code: ſystem", "row 1 ſystem: code has a character"},
		{"no name", "  name: ChatDissolved\n", "", "row 1 chat.dissolved: name is not an exported"},
		{"name not exported", "name: ChatDissolved", "name: chatDissolved", "row 1 chat.dissolved: name is not an exported"},
		{"name not a Go name", "name: ChatDissolved", "name: Chat-Dissolved", "row 1 chat.dissolved: name is not an exported"},
		{"empty alias", "[chatGone]", "['']", "row 1 chat.dissolved: an alias is empty"},
		{"alias not ASCII", "[chatGone]", "[群]", "row 1 chat.dissolved: an alias is empty or not printable"},
		{"alias is not a list", "[chatGone]", "chatGone", "row 1 chat.dissolved: json: cannot unmarshal string"},
		{"no status", "  status: 400\n", "", "row 1 chat.dissolved: status is neither"},
		{"status of a success", "status: 400", "status: 201", "row 1 chat.dissolved: status is neither"},
		{"status out of range", "status: 400", "status: 600", "row 1 chat.dissolved: status is neither"},
		{"status is text", "status: 400", "status: bad", "row 1 chat.dissolved: json: cannot unmarshal string"},
		{"no kind", "  kind: rejected\n", "", `row 1 chat.dissolved: kind "" is none of invalid-chat-id,`},
		{"unknown kind", "kind: rejected", "kind: gone", `row 1 chat.dissolved: kind "gone" is none of`},
		{"no retry", "  retry: false\n", "", "row 1 chat.dissolved: retry is missing"},
		{"retry is text", "retry: false", "retry: sometimes", "row 1 chat.dissolved: json: cannot unmarshal string"},
		{"wait without retry", "retry: false", "retry: false\n  waitSeconds: 1", "row 1 chat.dissolved: waitSeconds without retry"},
		{"negative wait", "retry: false", "retry: true\n  waitSeconds: -1", "row 1 chat.dissolved: waitSeconds is not between"},
		{"wait over an hour", "retry: false", "retry: true\n  waitSeconds: 3601", "row 1 chat.dissolved: waitSeconds is not between"},
		{"wait is a fraction", "retry: false", "retry: true\n  waitSeconds: 1.5", "row 1 chat.dissolved: json: cannot unmarshal number"},
		{"no token", "  token: keep\n", "", `row 1 chat.dissolved: token "" is none of keep, drop, fetch, none`},
		{"unknown token effect", "token: keep", "token: burn", `row 1 chat.dissolved: token "burn" is none of`},
		{"no description", "  description: The chat was dissolved.\n", "", "row 1 chat.dissolved: description is not one line"},
		{"two-line description", "The chat was dissolved.", `"Two\nlines."`, "row 1 chat.dissolved: description is not one line"},
		{"control character in it", "The chat was dissolved.", `"A \0 byte."`, "row 1 chat.dissolved: description is not one line"},
		{"no observed", "\n  observed: false", "", "row 1 chat.dissolved: observed is missing"},
		{"unknown field", "token: keep", "token: keep\n  retryAfter: 3", `row 1 chat.dissolved: json: unknown field "retryAfter"`},
		{"not a map", good, "\n- chat.dissolved", "row 1 (unnamed): json: cannot unmarshal string"},
		{"null", good, "\n- null", "row 1 (unnamed): code is missing"},
		{"no name at all", "- code: chat.dissolved\n  name: ChatDissolved\n ", "-", "row 1 (unnamed): code is missing"},
		{"alias repeats the code", "[chatGone]", "[Chat.Dissolved]", `row 1 chat.dissolved: "Chat.Dissolved" is taken by chat.dissolved`},
		{"taken code", "code: chat.dissolved", "code: SYSTEMERROR", `systemError: "systemError" is taken by SYSTEMERROR`},
		{"taken name", "name: ChatDissolved", "name: SystemError", `systemError: "name SystemError" is taken by chat.dissolved`},
		{"taken alias", "[chatGone]", "[System.Error]", `systemError: "system.error" is taken by chat.dissolved`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bad := strings.Replace(good, tt.old, tt.new, 1)
			if bad == good {
				t.Fatalf("the row holds no %q", tt.old)
			}
			text := withRow(t, bad)
			err := parse(text)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v\nlacks %s", err, tt.want)
			}
			wantLine(t, err, text, "    ApiError:\n")
		})
	}
}

func TestMalformedCatalogue(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"not a list", catalogueHead, "      x-error-codes: none\n      x-other:\n" + firstRow, "ApiError x-error-codes: it is not a list of rows"},
		{"no rows", catalogueHead, "      x-error-codes: []\n      x-other:\n" + firstRow, "ApiError x-error-codes: it is not a list of rows"},
		{"token in a cookie", "type: apiKey\n      in: header", "type: apiKey\n      in: cookie", "no apiKey in a header or a query"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := own(t)
			bad := strings.ReplaceAll(text, tt.old, tt.new)
			if bad == text {
				t.Fatalf("the contract holds no %q", tt.old)
			}
			if err := parse(bad); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v\nlacks %s", err, tt.want)
			}
		})
	}
}

func TestMalformedLimits(t *testing.T) {
	for _, tt := range []struct{ name, from, to, want string }{
		{"no map", "\nx-limits:", "\nx-limits: 20\nx-other:", "x-limits: it is not a map"},
		{"zero", "callsPerSecond: 20", "callsPerSecond: 0", "callsPerSecond is not a positive whole number"},
		{"a fraction", "banSeconds: 300", "banSeconds: 0.5", "banSeconds is not a positive whole number"},
		{"missing", "  tokenSeconds: 7200", "  ", "tokenSeconds is not a positive whole number"},
		{"unknown", "  banSeconds: 300", "  banSeconds: 300\n  callsPerDay: 1", "a field that is none of this generator's"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := own(t)
			changed := strings.Replace(text, tt.from, tt.to, 1)
			if changed == text {
				t.Fatalf("the contract has no %q", tt.from)
			}
			err := parse(changed)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v; want an error with %q", err, tt.want)
			}
			wantLine(t, err, changed, "x-limits:")
		})
	}
}
