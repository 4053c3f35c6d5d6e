#!/usr/bin/env bash
# Compares the contract with the newest released one and fails if a client of that would break. oasdiff takes a removed error
# response and a renamed operation for harmless: severity.txt raises them, since generated clients have a type for the first
# and a method for the second.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

install() { GOBIN="$1" CGO_ENABLED=0 go install "github.com/oasdiff/oasdiff@$OASDIFF"; }
once "oasdiff-$OASDIFF" install

released=$(printf '%s\n' "$ROOT"/interop/released/openapi-*.yaml | sort -V | tail -n 1)
printf 'comparing with %s\n' "${released##*/}"
"$TOOLS/oasdiff-$OASDIFF/oasdiff" breaking --fail-on ERR --severity-levels "$SOURCE/severity.txt" "$released" "$CONTRACT"
