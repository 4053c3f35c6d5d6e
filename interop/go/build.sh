#!/usr/bin/env bash
# The generated client in ../../generated is the one that Go apps get. Here it is generated anew from the given contract, and
# laid over the committed one for this build alone.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

cd "$ROOT"
# The output that the configuration names wins over one on the command line.
sed "s|^output:.*|output: $BUILD/client.gen.go|" generated/oapi-codegen.yaml >"$BUILD/oapi-codegen.yaml"
go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen --config "$BUILD/oapi-codegen.yaml" "$CONTRACT"
printf '{"Replace": {"%s": "%s"}}\n' "$ROOT/generated/client.gen.go" "$BUILD/client.gen.go" >"$BUILD/overlay.json"
go build -overlay "$BUILD/overlay.json" -o "$BUILD/client" ./interop/go
