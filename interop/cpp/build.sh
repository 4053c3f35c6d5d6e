#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

openapi_generator generate -i "$CONTRACT" -g cpp-restsdk -o "$BUILD/generated" --additional-properties packageName=DingTalkClient

# Without optimisation, which halves the time.
cmake -S "$SOURCE" -B "$BUILD/cmake" -D GENERATED="$BUILD/generated" -D CMAKE_BUILD_TYPE=Debug -D CMAKE_CXX_FLAGS_DEBUG=-O0
cmake --build "$BUILD/cmake" --parallel 2
ln -s cmake/client "$BUILD/client"
