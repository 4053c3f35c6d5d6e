#!/bin/sh
# Runs the tests: those of the SDK with the race detector where it works, which needs cgo, and a C compiler with its headers.
# TESTFLAGS has arguments for go test.
set -eu

go=${GO:-go}
cc=$($go env CC)
race=-race
if [ "$($go env CGO_ENABLED)" != 1 ]; then
  race=
  echo 'test: without the race detector: cgo is off (CGO_ENABLED=0, or no C compiler was found)'
elif ! printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | $cc -x c -o /dev/null - >/dev/null 2>&1; then
  race=
  echo "test: without the race detector: the C compiler '$cc' is missing or does not work"
else
  echo 'test: the SDK with the race detector'
fi
echo 'test: without those that need a redis-server, which make redis-test runs'
# shellcheck disable=SC2046,SC2086 # flags and packages are words
{
  $go test $race -shuffle=on ${TESTFLAGS:-} ./generated/... ./wrapper/...
  $go test -shuffle=on ${TESTFLAGS:-} $($go list ./... | grep -v '/wrapper\|/generated')
}
