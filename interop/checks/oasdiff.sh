#!/usr/bin/env bash
# Compares the contract with that of the last release, and fails if a client of that would break although the major version
# is the same. First it shows that it notices: without one of its operations the contract must fail. oasdiff takes a
# removed error response and a renamed operation for harmless: severity.txt raises them, since generated clients have a
# type for the first and a method for the second.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

install() { GOBIN="$1" CGO_ENABLED=0 go install "github.com/oasdiff/oasdiff@$OASDIFF"; }
once "oasdiff-$OASDIFF" install

breaking() { "$TOOLS/oasdiff-$OASDIFF/oasdiff" breaking --fail-on ERR --severity-levels "$SOURCE/severity.txt" "$1" "$2"; }
major() { sed -n 's/^  version: *\([0-9]*\)\..*/\1/p' "$1"; }

sed 's/operationId: chatIdToOpenConversationId$/operationId: gone/' "$CONTRACT" >"$BUILD/less.yaml"
if breaking "$CONTRACT" "$BUILD/less.yaml" >"$BUILD/less.txt"; then
  echo 'oasdiff does not notice that an operation has another name' >&2
  exit 1
fi

mkdir -p "$BUILD/old"
release=$("$ROOT/.ci/last-release.sh" "$BUILD/old")
if [ -z "$release" ]; then
  echo 'nothing is released yet, so that no client depends on the contract'
elif [ "$(major "$BUILD/old/openapi.yaml")" != "$(major "$CONTRACT")" ]; then
  printf 'another major version than that of %s: it may break clients\n' "$release"
else
  printf 'comparing with %s\n' "$release"
  breaking "$BUILD/old/openapi.yaml" "$CONTRACT"
fi
