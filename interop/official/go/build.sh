#!/usr/bin/env bash
# A module of its own, so that nothing of the SDK reaches this module's importers.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../tools.sh
source "$ROOT/interop/tools.sh"

cd "$SOURCE"
go build -o "$BUILD/client" .
