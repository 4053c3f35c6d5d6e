package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// remoteScript has two network namespaces with a cable between them: the emulator runs in one, under a user of its own, and a
// client in the other, under another user. $0 is the command, $1 a folder that both may write to.
const remoteScript = `
cd "$1"
ip link set lo up
unshare --net sleep 60 & far=$!
trap 'kill $far $emulator' EXIT
while [ "$(readlink /proc/$far/ns/net)" = "$(readlink /proc/$$/ns/net)" ]; do sleep 0.01; done
ip link add near type veth peer name far netns $far
ip address add 192.0.2.1/24 dev near
ip link set near up
nsenter --target $far --net ip address add 192.0.2.2/24 dev far
nsenter --target $far --net ip link set far up

setpriv --reuid=65534 --regid=65534 --clear-groups "$0" emulator --listen 0.0.0.0:8080 --admin 0.0.0.0:8081 --allow-remote \
	--tls --tls-ca-file ca.pem --tls-name 192.0.2.1 --any-chat --ready-file ready >out 2>err & emulator=$!
tries=0
while [ ! -e ready ]; do tries=$((tries + 1)); [ $tries -lt 500 ]; sleep 0.02; done

from_far() { nsenter --target $far --net setpriv --reuid=12345 --regid=12345 --clear-groups "$@"; }
from_far env SSL_CERT_FILE=ca.pem DINGTALK_BASE_URL=https://192.0.2.1:8080 \
	DINGTALK_APP_KEY=` + dingtalktest.AppKey + ` DINGTALK_APP_SECRET=` + dingtalktest.AppSecret + ` "$0" convert x
from_far "$0" emulator --health http://192.0.2.1:8081
kill $emulator
wait $emulator
trap 'kill $far' EXIT

# Without --allow-remote nothing is reached from outside.
if "$0" emulator --listen 192.0.2.1:8080 2>refused; then exit 99; fi
"$0" emulator --listen 127.0.0.1:8080 --admin 127.0.0.1:8081 --ready-file ready >/dev/null 2>&1 & emulator=$!
trap 'kill $far $emulator' EXIT
tries=0
while [ ! -e ready ]; do tries=$((tries + 1)); [ $tries -lt 500 ]; sleep 0.02; done
"$0" emulator --health http://127.0.0.1:8081
if from_far "$0" emulator --health http://192.0.2.1:8081 2>/dev/null; then exit 98; fi
echo unreached
`

func TestEmulatorIsReachedFromOutside(t *testing.T) {
	for _, tool := range []string{"ip", "unshare", "nsenter", "setpriv"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not here (Debian: iproute2, util-linux)", tool)
		}
	}
	if err := exec.CommandContext(t.Context(), "unshare", "--net", "true").Run(); err != nil {
		t.Skip("this user may make no network namespace")
	}
	dir, err := os.MkdirTemp("", "oc") //nolint:usetesting // other users must get in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	content, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	everybodys := filepath.Join(dir, "openconversation")
	if err := os.WriteFile(everybodys, content, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{everybodys: 0o755, dir: 0o777} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--net", "sh", "-euc", remoteScript, everybodys, dir)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(filepath.Join(dir, "err"))
		t.Fatalf("%v\n%s%s%s", err, &stdout, &stderr, said)
	}
	if want := dingtalktest.OpenConversationIDOf("x") + "\nok\nok\nunreached\n"; stdout.String() != want {
		t.Errorf("it printed %s, want %s", &stdout, want)
	}
	for file, part := range map[string]string{
		"out": "listening on https://127.0.0.1:8080 with ", "err": "--allow-remote: whoever reaches this machine can use it", "refused": "this is not a loopback address",
	} {
		if said, err := os.ReadFile(filepath.Join(dir, file)); err != nil || !strings.Contains(string(said), part) {
			t.Errorf("%s: %v %s", file, err, said)
		}
	}
}
