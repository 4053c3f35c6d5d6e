#!/usr/bin/env bash
# Installs Prism and makes the executable that starts its proxy: client PORT UPSTREAM.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

once "prism-$PRISM" npm_into "@stoplight/prism-cli@$PRISM"
launcher "exec '$TOOLS/prism-$PRISM/node_modules/.bin/prism' proxy --errors --host 127.0.0.1 --port \"\$1\" '$CONTRACT' \"\$2\""
