#!/usr/bin/env bash
# Fails if apps that compile with the last release (last-release.sh) would not compile with this tree. First it shows that
# it notices: a copy of this tree with a method less must fail.
#   usage: api-check.sh APIDIFF PACKAGE…
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
apidiff=$1
shift
module=$(go list -m)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# dump keeps the API of the tree in a folder.
dump() {
  mkdir -p "$2"
  for package in "${packages[@]}"; do
    (cd "$1" && "$apidiff" -w "$2/${package//\//-}.export" "$module/$package")
  done
}

# compare prints what of the API that was kept in a folder this tree breaks.
compare() {
  local diff
  for package in "${packages[@]}"; do
    diff=$("$apidiff" -incompatible "$1/${package//\//-}.export" "$module/$package")
    [ -z "$diff" ] || printf '%s\n%s\n' "$package" "$diff"
  done
}

packages=(wrapper)
mkdir "$work/more"
git ls-files -z -- '*.go' go.mod go.sum | xargs -0 sh -c 'for f do [ ! -f "$f" ] || printf "%s\0" "$f"; done' list |
  tar -c --null -T - | tar -x -C "$work/more"
printf 'package dingtalk\n\n// Gone is not in this tree.\nfunc (c *Client) Gone() {}\n' >"$work/more/wrapper/gone.go"
dump "$work/more" "$work/more-api"
compare "$work/more-api" | grep -q 'Client).Gone: removed' || {
  echo 'api-check: it does not notice that a method is gone' >&2
  exit 1
}

packages=("$@")
mkdir "$work/old"
release=$(.ci/last-release.sh "$work/old")
if [ -z "$release" ]; then
  echo 'api-check: nothing is released yet, so that no app compiles with it'
  exit 0
fi
dump "$work/old" "$work/old-api"
broken=$(compare "$work/old-api")
if [ -n "$broken" ]; then
  printf '%s\napi-check: apps that compile with %s would not compile any more; RELEASING.md says when that may be\n' "$broken" "$release" >&2
  exit 1
fi

# What apps were shown then must still compile, and print the same.
rm "$work/more/wrapper/gone.go"
examples=()
for package in "${packages[@]}"; do
  rm -f "$work/more/$package"/*_test.go
  for file in "$work/old/$package"/example*_test.go; do
    [ -f "$file" ] || continue
    cp "$file" "$work/more/$package"
    examples+=("./$package")
  done
done
[ ${#examples[@]} -eq 0 ] || (cd "$work/more" && go test -count=1 "${examples[@]}")
echo "api-check: compatible with $release: $*"
