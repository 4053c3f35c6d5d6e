#!/bin/sh
# Runs go test, with the race detector where it works: it needs cgo, and a C compiler with its headers.
#   usage: test.sh ARGUMENT… of go test; TESTFLAGS has more
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
  echo 'test: with the race detector'
fi
echo 'test: without those that need a redis-server, which make redis-test runs'
set -x
# shellcheck disable=SC2086 # flags are words
exec $go test $race -shuffle=on ${TESTFLAGS:-} "$@"
