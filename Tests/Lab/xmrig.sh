#!/usr/bin/env bash
# The miner that everybody runs, to try our pool with: Debian 13's xmrig with the libraries it needs, unpacked into a folder and never
# installed.   xmrig.sh FOLDER
set -euo pipefail
folder=$(realpath -m "$1")
cache=$folder/cache
say() { echo "xmrig: $*"; }
fail() { say "$*" >&2; exit 1; }
. "$(dirname "$0")/../Cross/debian.sh"
[ "$(dpkg --print-architecture)" = amd64 ] || fail "it is tried on amd64 alone"
[ ! -x "$folder/xmrig" ] || exit 0
update trixie amd64
fetch_all trixie amd64 "$folder/debs" xmrig
unpack "$folder/root" "$folder"/debs/*.deb
rm -rf "$folder/debs" "$cache"
cat >"$folder/xmrig" <<'END'
#!/bin/sh
root=$(dirname "$0")/root
exec "$root/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/x86_64-linux-gnu" "$root/usr/bin/xmrig" "$@"
END
chmod +x "$folder/xmrig"
say "$("$folder/xmrig" --version | head -1)"
