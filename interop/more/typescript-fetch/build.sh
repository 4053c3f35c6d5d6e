#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../tools.sh
source "$ROOT/interop/tools.sh"

page 'openapi-generator, typescript-fetch'
launcher "exec '$BUILD/node_modules/.bin/tsx' '$BUILD/client.mts' \"\$@\""
