#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

openapi_generator generate -i "$CONTRACT" -g php -o "$BUILD/generated" --additional-properties invokerPackage=DingTalk

# A project of one's own runs composer here. Debian's Guzzle brings a loader, and the program loads the generated classes.
cp "$SOURCE/client.php" "$BUILD"
launcher "GENERATED='$BUILD/generated/lib' exec php '$BUILD/client.php' \"\$@\""
