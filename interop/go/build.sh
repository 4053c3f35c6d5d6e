# shellcheck shell=bash disable=SC2154
cd "$ROOT"
go build -o "$BUILD/client" ./interop/go
