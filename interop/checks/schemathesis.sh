#!/usr/bin/env bash
# Makes up requests from the contract, sends them to the emulator at URL with TOKEN, and checks what comes back with every
# check that Schemathesis has. What it finds is in report.json; the runner compares that with schemathesis.json.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

once "schemathesis-$SCHEMATHESIS" pip_into "schemathesis==$SCHEMATHESIS"
cd "$BUILD"
status=0
PYTHONPATH="$TOOLS/schemathesis-$SCHEMATHESIS" python3 -c 'from schemathesis.cli import schemathesis; schemathesis()' \
  run "$CONTRACT" --url "$URL" --header "x-acs-dingtalk-access-token: $TOKEN" --checks all --continue-on-failure \
  --max-examples 100 --seed 1 --generation-database none --no-color \
  --report json --report-json-path "$BUILD/report.json" || status=$?
# 1 is a finding; anything above is a failure of the tool.
[ "$status" -le 1 ]
