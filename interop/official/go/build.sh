# shellcheck shell=bash disable=SC2154
# Within the module that has the SDK, so that nothing of it reaches this module's importers.
cd "$ROOT/bench"
go build -o "$BUILD/client" "$SOURCE/main.go"
