package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// remoteScript has two network namespaces with a cable between them: the emulator runs in one, and a client in the other, each
// under a user of its own. $0 is the command, in a folder that all may write to.
const remoteScript = `
cd "$(dirname "$0")"
ip link set lo up
unshare --net sleep 60 & far=$!
trap 'kill $far $emulator' EXIT
while [ "$(readlink /proc/$far/ns/net)" = "$(readlink /proc/$$/ns/net)" ]; do sleep 0.01; done
ip link add near type veth peer name far netns $far
ip address add 192.0.2.1/24 dev near
ip link set near up
nsenter --target $far --net ip address add 192.0.2.2/24 dev far
nsenter --target $far --net ip link set far up
from_far() { nsenter --target $far --net setpriv --reuid=12345 --regid=12345 --clear-groups "$@"; }
serve() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$0" emulator --ready-file ready "$@" & emulator=$!
	tries=0
	while [ ! -e ready ]; do tries=$((tries + 1)); [ $tries -lt 500 ]; sleep 0.02; done
}
serve --listen 0.0.0.0:8080 --admin 0.0.0.0:8081 --allow-remote --tls --tls-ca-file ca.pem --tls-name 192.0.2.1 --any-chat
from_far env SSL_CERT_FILE=ca.pem DINGTALK_BASE_URL=https://192.0.2.1:8080 ` +
	`DINGTALK_APP_KEY=` + dingtalktest.AppKey + ` DINGTALK_APP_SECRET=` + dingtalktest.AppSecret + ` "$0" convert x
from_far "$0" emulator --health http://192.0.2.1:8081
kill $emulator
wait $emulator

# Without --allow-remote nothing is reached from outside.
if "$0" emulator --listen 192.0.2.1:8080; then exit 99; fi
serve --listen 127.0.0.1:8080 --admin 127.0.0.1:8081
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
	everybodys := filepath.Join(dir, "openconversation")
	if err := exec.CommandContext(t.Context(), "sh", "-ec", `cp "$0" "$1"; chmod 755 "$1"; chmod 777 "$(dirname "$1")"`, binary, everybodys).Run(); err != nil {
		t.Fatal(err)
	}
	finish(t, exec.CommandContext(t.Context(), "unshare", "--net", "sh", "-euc", remoteScript, everybodys)).holds(t, 0,
		dingtalktest.OpenConversationIDOf("x")+"\nok\n", "ok\nunreached\n", "listening on https://127.0.0.1:8080 with ",
		"--allow-remote: whoever reaches this machine can use it", "this is not a loopback address")
}
