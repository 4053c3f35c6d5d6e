package generator_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/generator"
)

const (
	ownContract = "../../openapi.yaml"
	committed   = "../../generated"
	shapes      = "../shapes/shapes.yaml"
)

func load(t testing.TB, file string) *contract.Contract {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := contract.Parse(file, content)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ownFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files, _, err := generator.Own(load(t, ownContract), ownContract)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestGenerationRepeats: what is committed is what the contract says, and a second generation makes the same.
func TestGenerationRepeats(t *testing.T) {
	files := ownFiles(t)
	for name, content := range files {
		want, err := os.ReadFile(filepath.Join(committed, name))
		if err != nil || !bytes.Equal(content, want) {
			t.Errorf("generated/%s is not what openapi.yaml says: run make generate (%v)", name, err)
		}
	}
	entries, err := filepath.Glob(filepath.Join(committed, "*.gen.go"))
	if err != nil || len(entries) != len(files) {
		t.Errorf("generated holds %v, made are %v (%v)", entries, slices.Sorted(maps.Keys(files)), err)
	}
	if again := ownFiles(t); !maps.EqualFunc(files, again, bytes.Equal) {
		t.Error("a second generation made something else")
	}
}

// folded is text with runs of white space as one space each, since gofmt aligns.
func folded(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestAddedCodeIsGenerated(t *testing.T) {
	text, err := os.ReadFile(ownContract)
	if err != nil {
		t.Fatal(err)
	}
	const head, first = "      x-error-codes:\n", "        - {code: invalideChatId,"
	c, err := contract.Parse("openapi.yaml", []byte(strings.Replace(string(text), head+first, head+`        - code: chat.dissolved
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
	files, _, err := generator.Own(c, ownContract)
	if err != nil {
		t.Fatal(err)
	}
	got := folded(string(files["errorcodes.gen.go"]))
	for _, want := range []string{
		`// CodeChatDissolved (HTTP 503): The chat was "dissolved" 解散. No live answer was seen.`,
		`CodeChatDissolved Code = "chat.dissolved"`,
		`Code: "chat.dissolved", Name: "ChatDissolved", Aliases: []string{"chatGone", "49999"},`,
		`Status: 503, Kind: "unavailable", Retry: true, Wait: 7000000000 /* 7s */, Token: "keep",`,
		`Description: "The chat was \"dissolved\" 解散.", Message: "群已解散"}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("errorcodes.gen.go lacks %s", want)
		}
	}
}
