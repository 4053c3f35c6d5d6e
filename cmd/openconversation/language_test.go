package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// Help is Chinese all through; that of English is compared in TestHelpListsExitCodes.
func TestHelpInChinese(t *testing.T) {
	golden(t, "help-zh", runArgs(t, "", "--help", "--lang", "zh").stdout)
	golden(t, "help-convert-zh", runArgs(t, "", "--lang=zh", "convert", "--help").stdout)
	if got := runArgs(t, "", "call", "--lang", "zh", "getChat", "--help"); !strings.Contains(got.stdout, "查询群聊的名称、群主、成员和状态。\n") {
		t.Errorf("%+v", got)
	}
}

// The process speaks the language of its environment, and of --lang before that.
func TestLanguageOfTheProcess(t *testing.T) {
	for _, tt := range []struct {
		name    string
		env     []string
		args    []string
		chinese bool
	}{
		{"LANG", []string{"LANG=zh_CN.UTF-8"}, nil, true},
		{"Taiwan", []string{"LANG=zh_TW"}, nil, true},
		{"LC_MESSAGES before LANG", []string{"LANG=zh_CN.UTF-8", "LC_MESSAGES=en_GB.UTF-8"}, nil, false},
		{"LC_ALL before LC_MESSAGES", []string{"LC_MESSAGES=en_GB.UTF-8", "LC_ALL=zh_CN.utf8@pinyin"}, nil, true},
		{"a terminal that is not UTF-8", []string{"LANG=zh_CN.GB18030"}, nil, false},
		{"C", []string{"LANG=zh_CN.UTF-8", "LC_ALL=C"}, nil, false},
		{"another language", []string{"LANG=de_DE.UTF-8"}, nil, false},
		{"none", nil, nil, false},
		{"--lang en", []string{"LANG=zh_CN.UTF-8"}, []string{"--lang", "en"}, false},
		{"--lang=zh", []string{"LANG=C"}, []string{"--lang=zh"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := command(t, append([]string{"convert", "--emulator", "unknown1", dingtalktest.ChatID}, tt.args...)...)
			cmd.Env = append(cmd.Env, tt.env...)
			got := finish(t, cmd)
			if chinese(got.stderr) != tt.chinese || got.code != 1 || got.stdout != dingtalktest.ChatID+"\t"+dingtalktest.OpenConversationID+"\n" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// What programs read is the same in every language, byte by byte, while what people read is not.
func TestMachinesGetEnglish(t *testing.T) {
	ids := dingtalktest.ChatID + "\nhttps://example.com\nunknown1\n\"quoted\"\n"
	contract := map[string]bool{"codes": true, "spec": true} // which quotes the service's Chinese
	for name, args := range map[string][]string{
		"ids":        {"convert", "--emulator", "--json", "unknown1", "a b", dingtalktest.ChatID},
		"rows":       {"convert", "--emulator", "--input", "-", "--format", "lines"},
		"doctor":     {"doctor", "--emulator", "--json"},
		"refused":    {"doctor", "--json"},
		"call":       {"call", "chatIdToOpenConversationId", "--chatId", "x", "--emulator", "--json"},
		"codes":      {"codes", "--json"},
		"operations": {"operations", "--json"},
		"version":    {"version", "--json"},
		"spec":       {"spec"},
	} {
		t.Run(name, func(t *testing.T) {
			said := map[string]result{}
			for _, language := range []string{"en", "zh"} {
				got := call{ctx: t.Context(), args: append(args, "--lang", language), stdin: strings.NewReader(ids)}.run()
				got.stdout = requestID.ReplaceAllString(loopback.ReplaceAllString(got.stdout, "ADDRESS"), "ID")
				said[language] = got
			}
			en, zh := said["en"], said["zh"]
			if en.stdout == "" || chinese(zh.stdout) && !contract[name] || en.stdout != zh.stdout || en.code != zh.code || chinese(en.stderr) || zh.stderr != "" && !chinese(zh.stderr) {
				t.Errorf("in English %+v\nin Chinese %+v", en, zh)
			}
		})
	}
}

// An output file and its summary are the same as well, and a run that was begun in one language goes on in the other.
func TestOutputsInBothLanguages(t *testing.T) {
	t.Chdir(t.TempDir())
	rows := "chat_id,name\n" + dingtalktest.ChatID + ",a\nhttps://x,b\nunknown1,c\n,d\n"
	if err := os.WriteFile("in.csv", []byte(rows), 0o666); err != nil {
		t.Fatal(err)
	}
	first := runArgs(t, "", "convert", "--emulator", "-i", "in.csv", "-o", "en.csv", "--json")
	zh := runArgs(t, "", "convert", "--emulator", "-i", "in.csv", "-o", "zh.csv", "--lang", "zh", "--limit", "1")
	resumed := runArgs(t, "", "convert", "--emulator", "-i", "in.csv", "-o", "zh.csv", "--lang", "zh", "--json")
	if first.code != 1 || zh.code != 1 || resumed.code != 1 || !strings.Contains(zh.stderr, "继续运行：openconversation convert --input in.csv --output zh.csv --emulator=true") || !strings.Contains(zh.stderr, " --lang zh\n") {
		t.Errorf("%+v\n%+v\n%+v", first, zh, resumed)
	}
	in, _ := os.ReadFile("en.csv")
	other, err := os.ReadFile("zh.csv")
	if err != nil || string(in) != string(other) {
		t.Errorf("%s\n%s%v", in, other, err)
	}
}

// An unknown language is refused, and says which there are.
func TestUnknownLanguage(t *testing.T) {
	runArgs(t, "", "codes", "--lang", "fr").check(t, result{2, "", "openconversation: --lang: use en or zh\nhint: see openconversation codes --help\n"})
}

// loopback is an address of an emulator.
var loopback = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

func chinese(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}
