#!/bin/sh
# Converts the chat of DingTalk's page through the built-in emulator, then an unknown one. The command is built and then run,
# since `go run` turns every exit code into 1.
set -eu

mkdir -p .tools
"${GO:-go}" build -o .tools/openconversation ./cmd/openconversation
chat=chatfaabe59a460527f5fb72fbbdfe3f061e
echo "\$ openconversation convert --emulator $chat"
id=$(.tools/openconversation convert --emulator $chat)
printf '%s  %s\n\n' "$chat" "$id"
unknown=chat00000000000000000000000000000000
echo "\$ openconversation convert --emulator $unknown"
code=0
.tools/openconversation convert --emulator $unknown || code=$?
if [ $code -ne 1 ]; then
  echo "run: an unknown chat ended with exit code $code; 1 was expected" >&2
  exit 1
fi
echo '(exit code 1, as it should be: this chat is unknown)'
