#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../tools.sh
source "$ROOT/interop/tools.sh"

page openapi-python-client
launcher "exec '$BUILD/venv/bin/python' '$BUILD/client.py' \"\$@\""
