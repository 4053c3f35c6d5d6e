#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

# Guzzle comes from Debian: composer.json says that it is there already, so that nothing is asked of Packagist.
page
launcher "exec php '$BUILD/client.php' \"\$@\""
