#!/usr/bin/env bash
# Makes up requests from DESCRIPTION, the admin API's, sends them to the emulator's at URL, and checks what comes back with
# every check that Schemathesis has. What it finds is in report.json; the runner compares that with admin.json. The
# parameter timeout is left at 0: what waits for requests that nobody sends would wait for a minute each time.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

once "schemathesis-$SCHEMATHESIS" pip_into "schemathesis==$SCHEMATHESIS"
cd "$BUILD"
sed 's/minimum: 0, maximum: 60, default: 10/minimum: 0, maximum: 0, default: 0/' "$DESCRIPTION" > description.yaml
cmp -s "$DESCRIPTION" description.yaml && { echo 'the parameter timeout is described in other words' >&2; exit 2; }
sed -i 's/minimum: 0, maximum: 100000, default: 0/minimum: 0, maximum: 0, default: 0/' description.yaml
status=0
PYTHONPATH="$TOOLS/schemathesis-$SCHEMATHESIS" python3 -c 'from schemathesis.cli import schemathesis; schemathesis()' \
  run description.yaml --url "$URL" --checks all --continue-on-failure --request-timeout 60 \
  --max-examples 100 --seed 1 --generation-database none --no-color \
  --report json --report-json-path "$BUILD/report.json" || status=$?
# 1 is a finding; anything above is a failure of the tool.
[ "$status" -le 1 ]
