#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

page
launcher "exec java -cp '$BUILD/classes:$BUILD/generated/target/classes:$BUILD/generated/target/dependency/*' com.example.app.Program \"\$@\""
