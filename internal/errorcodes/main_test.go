package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	contractFile  = "../../openapi.yaml"
	committed     = "../../generated"
	catalogueHead = "      x-error-codes:\n"
)

// generate runs the generator on a contract in an empty folder, beside the one file of oapi-codegen that it reads.
func generate(t *testing.T, contract string) (folder string, err error) {
	t.Helper()
	folder = t.TempDir()
	client, err := os.ReadFile(filepath.Join(committed, "client.gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "openapi.yaml")
	for name, content := range map[string][]byte{file: []byte(contract), filepath.Join(folder, "client.gen.go"): client} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder, run(file, folder)
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// withRow returns the contract with one more row at the head of its catalogue.
func withRow(t *testing.T, row string) string {
	t.Helper()
	before, after, ok := strings.Cut(read(t, contractFile), catalogueHead)
	if !ok {
		t.Fatalf("%s has no line %q", contractFile, catalogueHead)
	}
	var indented strings.Builder
	for line := range strings.Lines(strings.TrimSpace(row) + "\n") {
		indented.WriteString("        " + line)
	}
	return before + catalogueHead + indented.String() + after
}

func TestGenerationRepeats(t *testing.T) {
	folder, err := generate(t, read(t, contractFile))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"errorcodes.gen.go", "contract.gen.go"}
	for _, name := range names {
		if read(t, folder, name) != read(t, committed, name) {
			t.Errorf("generated/%s is not what openapi.yaml says: run make generate", name)
		}
	}
	if err := run(contractFile, folder); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if read(t, folder, name) != read(t, committed, name) {
			t.Errorf("%s: a second generation changed it", name)
		}
	}
}

func TestAddedCodeIsGenerated(t *testing.T) {
	folder, err := generate(t, withRow(t, `
- code: chat.dissolved
  name: ChatDissolved
  aliases: [chatGone, '49999']
  status: 503
  kind: unavailable
  retry: true
  waitSeconds: 7
  token: keep
  description: The chat was "dissolved" 解散.
  message: 群已解散
  observed: false`))
	if err != nil {
		t.Fatal(err)
	}
	// gofmt aligns fields, so runs of spaces are folded before comparing.
	got := strings.Join(strings.Fields(read(t, folder, "errorcodes.gen.go")), " ")
	for _, want := range []string{
		`// CodeChatDissolved (HTTP 503): The chat was "dissolved" 解散. No live answer was seen.`,
		`CodeChatDissolved Code = "chat.dissolved"`,
		`Code: CodeChatDissolved, Name: "ChatDissolved", Aliases: []string{"chatGone", "49999"},`,
		`Status: 503, Kind: KindUnavailable, Retry: true, Wait: 7 * time.Second, Token: TokenKeep,`,
		`Description: "The chat was \"dissolved\" 解散.", Message: "群已解散", Observed: false,`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("errorcodes.gen.go lacks %s", want)
		}
	}
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
	if _, err := generate(t, withRow(t, good)); err != nil {
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
		{"no status", "  status: 400\n", "", "row 1 chat.dissolved: status is not"},
		{"status of a success", "status: 400", "status: 200", "row 1 chat.dissolved: status is not"},
		{"status out of range", "status: 400", "status: 600", "row 1 chat.dissolved: status is not"},
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
			folder, err := generate(t, withRow(t, bad))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v\nlacks %s", err, tt.want)
			}
			for _, name := range []string{"errorcodes.gen.go", "contract.gen.go"} {
				if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
					t.Errorf("%s was written all the same", name)
				}
			}
		})
	}
}

func TestContractWithoutCatalogue(t *testing.T) {
	contract := read(t, contractFile)
	for _, tt := range []struct{ name, old, new, want string }{
		{"no extension", catalogueHead, "      x-other:\n", "schema ApiError: x-error-codes is not a list"},
		{"not a list", catalogueHead, "      x-error-codes: none\n      x-other:\n", "schema ApiError: x-error-codes is not a list"},
		{"no rows", catalogueHead, "      x-error-codes: []\n      x-other:\n", "schema ApiError: x-error-codes is not a list"},
		{"no schema", "ApiError", "Fault", "no schema ApiError"},
		{"no token header", "type: apiKey\n      in: header", "type: apiKey\n      in: query", "no apiKey scheme in a header"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bad := strings.ReplaceAll(contract, tt.old, tt.new)
			if bad == contract {
				t.Fatalf("the contract holds no %q", tt.old)
			}
			if _, err := generate(t, bad); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v\nlacks %s", err, tt.want)
			}
		})
	}
}

func TestGeneratorVersion(t *testing.T) {
	file := filepath.Join(t.TempDir(), "client.gen.go")
	if _, err := generatorVersion(file); err == nil {
		t.Error("no error for a file that is not there")
	}
	if err := os.WriteFile(file, []byte("package generated\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := generatorVersion(file); err == nil {
		t.Error("no error for a file without a header")
	}
}

// The names must be those that oapi-codegen gives, or the generated files would not fit together.
func TestGoName(t *testing.T) {
	for in, want := range map[string]string{
		"chatIdToOpenConversationId": "ChatIDToOpenConversationID",
		"getAccessToken":             "GetAccessToken",
		"invalid-chat-id":            "InvalidChatID",
		"ip-not-allowed":             "IPNotAllowed",
		"getApiUrl":                  "GetAPIURL",
		"idle":                       "Idle",
	} {
		if got := goName(in); got != want {
			t.Errorf("goName(%q) = %q, want %q", in, got, want)
		}
	}
	client := []byte(read(t, committed, "client.gen.go"))
	for _, want := range []string{"ChatIDToOpenConversationID(", "GetAccessToken("} {
		if !bytes.Contains(client, []byte(want)) {
			t.Errorf("client.gen.go has no %s", want)
		}
	}
}

func TestMalformedLimits(t *testing.T) {
	for _, tt := range []struct{ name, from, to, want string }{
		{"none", "\nx-limits:", "\nx-other:", "no x-limits"},
		{"zero", "callsPerSecond: 20", "callsPerSecond: 0", "callsPerSecond is not a positive whole number"},
		{"a fraction", "banSeconds: 300", "banSeconds: 0.5", "banSeconds is not a positive whole number"},
		{"missing", "  tokenSeconds: 7200", "  ", "tokenSeconds is not a positive whole number"},
		{"unknown", "  banSeconds: 300", "  banSeconds: 300\n  callsPerDay: 1", "a field that is none of this generator's"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			contract := read(t, contractFile)
			changed := strings.Replace(contract, tt.from, tt.to, 1)
			if changed == contract {
				t.Fatalf("the contract has no %q", tt.from)
			}
			if _, err := generate(t, changed); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v; want an error with %q", err, tt.want)
			}
		})
	}
}
