#!/usr/bin/env bash
# Fails if apps, or clients in other languages, that were made with the last release would not work with this tree: compares the
# Go API, runs the release's Examples, and compares the contract unless it has a new major version. The last release is the newest
# tag in the history; where a clone has no tags, the Go module proxy's newest version. RELEASE names another commit.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=steps.sh
source .ci/steps.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/old"
module=$(go list -m)
release=${RELEASE:-$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)}
if [ -n "$release" ]; then
  git archive "$release" | tar -x -C "$work/old"
elif info=$(cd "$work" && GOFLAGS=-mod=mod go mod download -json "$module@latest" 2>/dev/null); then
  release=$(sed -n 's/.*"Version": "\(.*\)".*/\1/p' <<<"$info")
  cp -r "$(sed -n 's/.*"Dir": "\(.*\)".*/\1/p' <<<"$info")/." "$work/old"
  chmod -R u+w "$work/old"
else
  echo 'nothing is released yet, so that nothing depends on it'
  exit 0
fi

apidiff=$(apidiff)
packages=(generated wrapper wrapper/dingtalktest wrapper/dingtalktest/admin wrapper/dingtalkcache wrapper/dingtalkredis)
broken=
for package in "${packages[@]}"; do
  (cd "$work/old" && "$apidiff" -w "$work/api" "$module/$package")
  broken+=$("$apidiff" -incompatible "$work/api" "$module/$package")
done
if [ -n "$broken" ]; then
  printf '%s\napps that compile with %s would not compile any more; docs/releasing.md says when that may be\n' "$broken" "$release" >&2
  exit 1
fi

# What apps were shown then must still compile, and print the same.
git clone -q . "$work/new"
for package in "${packages[@]}"; do
  rm -f "$work/new/$package"/*_test.go
  cp "$work/old/$package"/example*_test.go "$work/new/$package" 2>/dev/null || true
done
(cd "$work/new" && go test -count=1 "${packages[@]/#/./}")

# oasdiff takes a removed error response and a renamed operation for harmless: severity.txt raises them, since generated
# clients have a type for the first and a method for the second.
major() { sed -n 's/^  version: *\([0-9]*\)\..*/\1/p' "$1/openapi.yaml"; }
[ "$(major "$work/old")" != "$(major .)" ] ||
  "$(oasdiff)" breaking --fail-on ERR --severity-levels .ci/severity.txt "$work/old/openapi.yaml" openapi.yaml
echo "compatible with $release"
