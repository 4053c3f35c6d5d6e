#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

page
launcher "exec node '$BUILD/client.mjs' \"\$@\""
