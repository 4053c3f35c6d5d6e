#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

openapi_generator generate -i "$CONTRACT" -g php -o "$BUILD/generated" --git-user-id example --git-repo-id dingtalk-client \
  --additional-properties invokerPackage=DingTalk,licenseName=Apache-2.0,developerOrganization=Example

# The generated client is a composer package. Guzzle comes from Debian, whose loader finds it: composer is told that it is
# there already, so that nothing is asked of Packagist.
cp "$SOURCE"/*.php "$SOURCE/composer.json" "$BUILD"
composer --working-dir="$BUILD" --no-interaction --quiet update
launcher "exec php '$BUILD/client.php' \"\$@\""
