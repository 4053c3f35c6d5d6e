#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

openapi_generator generate -i "$CONTRACT" -g python -o "$BUILD/generated" \
  --additional-properties packageName=dingtalk_client

packages=python-$(printf %s "$PYTHON_PACKAGES" | cksum | cut -d ' ' -f 1)
# shellcheck disable=SC2086 # a list
once "$packages" pip_into $PYTHON_PACKAGES
cp "$SOURCE"/{client,dingtalk}.py "$BUILD"
launcher "PYTHONPATH='$BUILD/generated:$TOOLS/$packages' exec python3 '$BUILD/client.py' \"\$@\""
