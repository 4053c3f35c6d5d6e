#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

openapi_generator generate -i "$CONTRACT" -g c -o "$BUILD/generated"

cd "$BUILD/generated"
gcc -O1 -w -I. -Iinclude -Iexternal -Imodel -Iapi -o "$BUILD/client" \
  src/*.c external/*.c model/*.c api/*.c "$SOURCE/client.c" -lcurl
