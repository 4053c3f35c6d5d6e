#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

openapi_generator generate -i "$CONTRACT" -g c -o "$BUILD/generated"

cmake -S "$SOURCE" -B "$BUILD/cmake" -D GENERATED="$BUILD/generated" -Wno-dev
cmake --build "$BUILD/cmake" --parallel 2
ln -s cmake/client "$BUILD/client"
