#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../tools.sh
source "$ROOT/interop/tools.sh"

page
(cd "$BUILD" && cargo test --quiet) # what the page says of the variants
launcher "exec '$BUILD/target/debug/client' \"\$@\""
