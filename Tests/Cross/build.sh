#!/bin/bash
# build.sh SWIFT-BUILD-ARGUMENT…: `swift build` for arm64 with the SDK that sdk.sh made: this machine's SwiftPM drives Debian's compiler.
set -eu
cache=$(readlink -m "${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/basestation/arm64}")
[ -e "$cache/ready" ] || { echo "cross: there is no SDK; make it: Tests/Cross/sdk.sh" >&2; exit 1; }
sysroot=$cache/sdks/swift-arm64.artifactbundle/linux-arm64/sysroot
tools=$(dirname "$(readlink -f "$(command -v swift)")")
export SWIFT_EXEC=$cache/compiler/bin/swiftc SWIFT_EXEC_MANIFEST=$tools/swiftc PKG_CONFIG_SYSROOT_DIR=$sysroot
cd "$(dirname "$0")/../.."
exec "$tools/swift" build --swift-sdks-path "$cache/sdks" --swift-sdk linux-arm64 \
	--pkg-config-path "$sysroot/usr/lib/aarch64-linux-gnu/pkgconfig" "$@"
