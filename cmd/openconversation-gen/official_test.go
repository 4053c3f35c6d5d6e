package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	"github.com/dingtalk-openapi/openconversation-go/internal/contract"
	"github.com/dingtalk-openapi/openconversation-go/internal/official"
)

// TestOfficial makes a contract, and in one step a package, of operations of DingTalk's official SDK.
func TestOfficial(t *testing.T) {
	var out, errs strings.Builder
	if err := run([]string{"official", "robot_1_0", "--operation", "BATCHsendoto, orggroup*"}, &out, &errs); err != nil {
		t.Fatal(err, errs.String())
	}
	c, err := contract.Parse("robot.yaml", []byte(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, o := range c.Operations {
		ids = append(ids, o.ID)
	}
	if got := strings.Join(ids, " "); got != "batchSendOTO orgGroupQuery orgGroupRecall orgGroupSend" {
		t.Error(got)
	}
	for _, want := range []string{"version: v1.7.46", "github.com/alibabacloud-go/dingtalk v1.7.46, package robot_1_0", "Apache-2.0", "summary: 批量发送人与机器人会话中机器人消息", "x-repeat: unsent", "required: [msgKey, msgParam, robotCode, userIds]"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is missing in\n%s", want, out.String())
		}
	}
	folder := t.TempDir()
	src := made(t, filepath.Join(folder, "robot.gen.go"), "--official", "robot_1_0", "--operation", "batchSendOTO", "--package", "robot", "--output", folder)
	if !strings.Contains(string(src), "func (c *Client) BatchSendOTO(ctx context.Context, body BatchSendOTORequest, opts ...dingtalk.CallOption) (BatchSendOTOResponseBody, error)") {
		t.Errorf("%s", src)
	}
	// Packages with one operation's name each have a folder of their own.
	for _, name := range []string{"im_1_0/im_1_0.gen.go", "impaas_1_0/impaas_1_0.gen.go"} {
		src := made(t, filepath.Join(folder, name), "--official", "im_1_0,impaas_1_0", "--operation", "createGroup", "--output", folder)
		if !strings.Contains(string(src), ") CreateGroup(") {
			t.Error(name)
		}
	}
}

func TestOfficialList(t *testing.T) {
	for word, want := range map[string]string{
		"BATCHSENDOTO": "robot_1_0\tbatchSendOTO\tPOST /v1.0/robot/oToMessages/batchSend\t批量发送人与机器人会话中机器人消息",
		"批量撤回群聊机器人消息":  "robot_1_0\tbatchRecallGroup\t",
	} {
		var out strings.Builder
		if err := run([]string{"official", "--list", word}, &out, io.Discard); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v\n%s", word, err, out.String())
		}
	}
}

// TestOfficialRoutes: the file has what the command and the emulator need, and the licence lies beside it.
func TestOfficialRoutes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "routes.json")
	var all map[string][]generated.Route
	if err := json.Unmarshal(made(t, file, "official", "robot_1_0,im_1_0", "--routes", file), &all); err != nil || len(all) != 2 || len(all["robot_1_0"]) < 20 || all["robot_1_0"][0].Operation.Path == "" {
		t.Errorf("%d, %v", len(all), err)
	}
	if licence, err := os.ReadFile(file + ".LICENSE"); err != nil || !bytes.Contains(licence, []byte("Apache License")) {
		t.Error(err)
	}
}

func TestOfficialUsage(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	folder := t.TempDir()
	for want, args := range map[string][]string{
		"usage":                               {"official"},
		"usage ":                              {"official", "--list", "a", "b"},
		"usage  ":                             {"--official", "robot_1_0", "--spec", "x", "--output", folder},
		"usage   ":                            {"--official", "robot_1_0", "--package", "a b", "--output", folder},
		"is called robot; there is robot_1_0": {"official", "robot"},
		"standard output holds one":           {"official", "robot_1_0,im_1_0"},
		"no operation is called sendNothi":    {"official", "robot_1_0", "--operation", "sendNothing"},
		"no operation of the official SDK":    {"official", "--list", "nothing at all"},
		"has no package of DingTalk's SDK":    {"official", "robot_1_0", "--sdk", folder},
		"no such file":                        {"official", "robot_1_0", "--sdk", filepath.Join(folder, "none")},
		"did not get DingTalk's SDK v0.0.":    {"official", "robot_1_0", "--sdk", "v0.0.1"},
	} {
		if err := run(args, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("%q: %v", args, err)
		}
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("%v was written", left)
	}
}

// TestChoose: a list of names, in any case, and of patterns finds what each means, or says what there is.
func TestChoose(t *testing.T) {
	folder := t.TempDir()
	source, err := os.ReadFile("../../internal/official/testdata/client.go.txt")
	for _, name := range []string{"robot_1_0", "im_1_0"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(folder, name), 0o755), os.WriteFile(filepath.Join(folder, name, "client.go"), source, 0o600))
	}
	sdk, failed := official.Open(folder)
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ packages, operations, want string }{
		{"robot_1_0", "", "robot_1_0"}, {"ROBOT_1_0", "SEND", "robot_1_0"}, {"robot_1_0,im_1_0, robot*", "s*,send", "im_1_0 robot_1_0"}, {"", "", "im_1_0 robot_1_0"},
		{"robot", "", "no package is called robot; there is robot_1_0"}, {"im_1_0", "sent", "no operation is called sent; "}, {"[", "", "no package is called ["},
		{"x\u202e", "", "no package is called x<U+202E>; "},
	} {
		all, err := choose(sdk, c.packages, c.operations)
		var got []string
		for _, p := range all {
			got = append(got, p.Name)
		}
		if err == nil && strings.Join(got, " ") != c.want || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q %q: %q, %v", c.packages, c.operations, got, err)
		}
	}
}
