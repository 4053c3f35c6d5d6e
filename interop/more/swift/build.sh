#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../tools.sh
source "$ROOT/interop/tools.sh"

# A folder with the oldest Debian that has Swift.
debian_with_swift() {
  debootstrap --variant=minbase --include=swiftlang,libc6-dev,libstdc++-14-dev,git trixie "$1"
  rm -f "$1"/var/cache/apt/archives/*.deb
}

inside=
if ! command -v swiftc >/dev/null; then
  once swift-trixie debian_with_swift
  # inside runs a command in that Debian, in this folder, with the network of this machine.
  mkdir -p "$BUILD/bin"
  inside="$BUILD/bin/inside"
  cat >"$inside" <<EOF
#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec unshare --mount sh -ec '
  mkdir -p "\$0\$1"
  mount -t proc proc "\$0/proc"
  mount --bind "\$1" "\$0\$1"
  exec chroot "\$0" env -C "\$@"
' '$TOOLS/swift-trixie' '$BUILD' "\$@"
EOF
  printf '#!/bin/sh\nexec "%s" swift "$@"\n' "$inside" >"$BUILD/bin/swift"
  chmod +x "$inside" "$BUILD/bin/swift"
fi
page
launcher "exec ${inside:+"'$inside'"} '$BUILD/.build/debug/client' \"\$@\""
