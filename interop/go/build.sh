#!/usr/bin/env bash
# The generated client in ../../generated is the one that Go apps get. Here it is generated anew from the given contract, and
# its files are laid over the committed ones for this build alone.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

cd "$ROOT"
mkdir -p "$BUILD/generated"
go run ./internal/generate "$CONTRACT" "$BUILD/generated" "$BUILD/operations.gen.go"
for file in "$BUILD"/generated/*.gen.go; do
	printf '"%s": "%s"\n' "$ROOT/generated/$(basename "$file")" "$file"
done | paste -sd, - | sed 's/.*/{"Replace": {&}}/' >"$BUILD/overlay.json"
go build -overlay "$BUILD/overlay.json" -o "$BUILD/client" ./interop/go
