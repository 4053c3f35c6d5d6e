#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../tools.sh
source "$ROOT/interop/tools.sh"

page Ruby
launcher "exec ruby -I '$BUILD/generated/lib' '$BUILD/client.rb' \"\$@\""
