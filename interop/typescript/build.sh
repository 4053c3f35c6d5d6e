#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

packages=typescript-$TYPESCRIPT-$OPENAPI_TYPESCRIPT-$OPENAPI_FETCH
once "$packages" npm_into "typescript@$TYPESCRIPT" "openapi-typescript@$OPENAPI_TYPESCRIPT" "openapi-fetch@$OPENAPI_FETCH"
ln -s "$TOOLS/$packages/node_modules" "$BUILD/node_modules"

# openapi-fetch has no notion of an API key: the program adds the header with its middleware.
"$BUILD/node_modules/.bin/openapi-typescript" "$CONTRACT" -o "$BUILD/schema.d.ts"
cp "$SOURCE"/{client.mts,dingtalk.mts,process.d.ts,tsconfig.json} "$BUILD"
"$BUILD/node_modules/.bin/tsc" --project "$BUILD/tsconfig.json"
launcher "exec node '$BUILD/client.mjs' \"\$@\""
