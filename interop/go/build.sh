#!/usr/bin/env bash
set -euo pipefail

cd "$ROOT"
go build -o "$BUILD/client" ./interop/go
