#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

# Which versions of the client's dependencies pip chooses, and theirs.
tr ' ' '\n' <<<"$PYTHON_PACKAGES" >"$BUILD/constraints"
PIP_CONSTRAINT=$BUILD/constraints page
launcher "exec '$BUILD/venv/bin/python' '$BUILD/client.py' \"\$@\""
