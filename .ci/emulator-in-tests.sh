#!/usr/bin/env bash
# Does what docs/emulator-in-tests.md says: takes the archive, of a release that is made here, and runs each snippet in its test
# framework, with a test that fetches a token from the emulator. The frameworks are kept where INTEROP_CACHE says.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${INTEROP_CACHE:-$root/.tools/interop}/frameworks-1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
release=$work/release
mkdir -p "$release" "$work/bin"
cd "$work"

# block FILE writes the block of the page that is marked with its name, with the address of the release that is here.
block() {
  awk -v mark="<!-- file: $1 -->" '$0 == mark { on = 1; next } on && /^```/ { if (++fence == 2) exit; next } on && fence' \
    "$root/docs/emulator-in-tests.md" | sed "s#https://github.com/.*/releases/download/v[^/]*/#file://$release/#" >"$1"
  [ -s "$1" ] || { echo "the page has no block $1" >&2; exit 1; }
}

block get.sh
archive=$(grep -om1 'openconversation_[^ ]*\.tar\.gz' get.sh)
(cd "$root" && "${GO:-go}" build -o "$release/openconversation" ./cmd/openconversation)
(cd "$release" && tar czf "$archive" openconversation && sha256sum "$archive" >checksums.txt)
(cd bin && bash -e ../get.sh)
export PATH=$work/bin:$PATH

if [ ! -d "$cache" ]; then
  rm -rf "$cache.part"
  mkdir -p "$cache.part/java"
  python3 -m pip install -q --no-compile --disable-pip-version-check --root-user-action=ignore --target "$cache.part/python" pytest==8.4.2
  npm install --silent --no-audit --no-fund --prefix "$cache.part/node" vitest@3.2.4
  mvn -q -B dependency:copy -Dartifact=org.junit.platform:junit-platform-console-standalone:1.13.4 "-DoutputDirectory=$cache.part/java"
  mv "$cache.part" "$cache"
fi

echo '== pytest'
block conftest.py && block test_chats.py
cat >>test_chats.py <<'TEST'

def test_token():
    body = json.dumps({"appKey": os.environ["DINGTALK_APP_KEY"], "appSecret": os.environ["DINGTALK_APP_SECRET"]}).encode()
    request = urllib.request.Request(os.environ["DINGTALK_BASE_URL"] + "/v1.0/oauth2/accessToken", body, {"Content-Type": "application/json"})
    assert json.load(urllib.request.urlopen(request))["accessToken"]
TEST
PYTHONPATH=$cache/python python3 -m pytest -q -p no:cacheprovider

echo '== Vitest'
mkdir vitest && cd vitest
block dingtalk.setup.ts
ln -s "$cache/node/node_modules" node_modules
echo 'export default { test: { setupFiles: ["./dingtalk.setup.ts"] } };' >vitest.config.mjs
cat >token.test.ts <<'TEST'
import { expect, test } from "vitest";
test("token", async () => {
  const { DINGTALK_BASE_URL: url, DINGTALK_APP_KEY: appKey, DINGTALK_APP_SECRET: appSecret } = process.env;
  const answer = await fetch(url + "/v1.0/oauth2/accessToken", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ appKey, appSecret }) });
  expect((await answer.json()).accessToken).toBeTruthy();
});
TEST
node_modules/.bin/vitest run
cd ..

echo '== JUnit'
block DingTalkEmulator.java
cat >TokenTest.java <<'TEST'
import java.net.URI;
import java.net.http.*;
import org.junit.jupiter.api.*;

class TokenTest {
    @Test void token() throws Exception {
        var env = DingTalkEmulator.ENV;
        String body = "{\"appKey\":\"" + env.get("DINGTALK_APP_KEY") + "\",\"appSecret\":\"" + env.get("DINGTALK_APP_SECRET") + "\"}";
        var request = HttpRequest.newBuilder(URI.create(env.get("DINGTALK_BASE_URL") + "/v1.0/oauth2/accessToken"))
            .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body)).build();
        Assertions.assertEquals(200, HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
    }
}
TEST
javac -cp "$cache/java/*" -d classes ./*.java
java -jar "$cache"/java/*.jar execute --disable-banner --details=summary --fail-if-no-tests -cp classes --scan-classpath

echo '== PHPUnit'
block bootstrap.php
cat >TokenTest.php <<'TEST'
<?php
final class TokenTest extends PHPUnit\Framework\TestCase {
    public function testToken(): void {
        $body = json_encode(['appKey' => getenv('DINGTALK_APP_KEY'), 'appSecret' => getenv('DINGTALK_APP_SECRET')]);
        $context = stream_context_create(['http' => ['method' => 'POST', 'header' => 'Content-Type: application/json', 'content' => $body]]);
        $this->assertStringContainsString('accessToken', file_get_contents(getenv('DINGTALK_BASE_URL') . '/v1.0/oauth2/accessToken', false, $context));
    }
}
TEST
phpunit --do-not-cache-result --bootstrap bootstrap.php TokenTest.php

for _ in $(seq 50); do
  pgrep -f "$work/bin/openconversation" >/dev/null || exit 0
  sleep 0.1
done
echo 'an emulator is left' >&2
exit 1
