#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

# NuGet is not needed: NSwag's npm package brings the generator, and Newtonsoft.Json, as .NET Framework programs that mono
# runs.
page
launcher "exec mono '$BUILD/client.exe' \"\$@\""
