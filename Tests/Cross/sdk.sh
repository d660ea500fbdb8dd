#!/bin/bash
# sdk.sh: makes what builds and tries arm64 programs, in a cache outside this tree: a Swift SDK for SwiftPM, the compiler that
# goes with it, and qemu's user emulation. All of it is Debian's packages, unpacked there; nothing is installed on this machine.
# Debian 12 or later on amd64, Swift in PATH, as root (apt's lists), the network; 1.2 GB are downloaded, 1.5 GB of disk kept.
# Status 77: not today, for Debian has no compiler that fits. Remove the cache to have it made anew.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
cache=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/basestation/arm64}
board_suite=${BOARD_SUITE:-trixie}  # what boards run
swift_suite=${SWIFT_SUITE:-sid}     # the suite whose Swift can be used; its programs run on the board's suite
# headers and libraries to link with: Package.swift's system libraries
packages=(libc6-dev libgcc-14-dev libstdc++-14-dev linux-libc-dev zlib1g-dev libsqlite3-dev libtomlplusplus-dev libgpiod-dev librandomx-dev)
least=6.2                           # Package.swift's tools version

say() { echo "sdk: [$SECONDS s] $*"; }
fail() { echo "sdk: $*" >&2; exit 1; }
skip() { printf '\nSKIPPED: %s\nNothing was built for arm64, and nothing of it was checked.\n\n' "$*" >&2; exit 77; }

[ "$(dpkg --print-architecture)" = amd64 ] || fail "cross-building is for amd64; on arm64 an ordinary build does"
command -v swift >/dev/null || fail "Swift is not in PATH"
toolchain=$(dirname "$(readlink -f "$(command -v swift)")")/..
wanted="$board_suite $swift_suite ${packages[*]} $toolchain"
[ "$(cat "$cache/ready" 2>/dev/null)" != "$wanted" ] || exit 0
[ "$(id -u)" = 0 ] || fail "apt's lists and unpacking need root, the first time"
mkdir -p "$cache"
cache=$(readlink -f "$cache")
rm -rf "$cache"/{ready,debs,new}
trap 'rm -rf "$cache/debs" "$cache/new"' EXIT
. "$here/debian.sh"
libexec=./usr/libexec/swift

# extract DEB FOLDER LEVELS PATTERN…: some of a package. A pattern that fits nothing is no matter: the checks below see it.
extract() {
	local deb=$1 folder=$2 levels=$3; shift 3
	mkdir -p "$folder"
	dpkg --fsys-tarfile "$deb" | tar -x -C "$folder" --strip-components="$levels" --wildcards "$@" 2>"$cache/debs/tar" || true
	! grep -E 'space|Cannot|denied' "$cache/debs/tar" || fail "cannot unpack $deb"
}

# The compiler runs on this machine, with the libc it was made for beside it: this machine's own is older.
make_compiler() {
	local debs=$cache/debs/compiler new=$cache/new/compiler lib deb
	local libraries; libraries=$(needs "$swift_suite" amd64 swiftlang | grep -E '^(lib(c6|gcc|stdc|ncurses|tinfo|sqlite|uuid|xml2|zstd|edit)|zlib1g)')
	say "downloading the compiler, Swift $compiler"
	# shellcheck disable=SC2086  # several words
	fetch "$swift_suite" amd64 "$debs" swiftlang libswiftlang $libraries
	say "unpacking it"
	for deb in "$debs"/swiftlang_*.deb "$debs"/libswiftlang_*.deb; do
		extract "$deb" "$new" 4 --exclude="$libexec/lib/swift/linux/*.swiftmodule" \
			$libexec/bin/{swift-frontend,swift-driver,swiftc,swift-autolink-extract,swift-plugin-server} \
			$libexec/bin/{'clang*',lld,ld.lld,llvm-ar,llvm-ranlib,llvm-objcopy} \
			$libexec/lib/clang $libexec/lib/swift/host $libexec/lib/swift/clang "$libexec/lib/swift/linux/*.so"
	done
	for deb in "$debs"/*.deb; do
		case $deb in */swiftlang_* | */libswiftlang_*) ;; *) unpack "$cache/new/host" "$deb" ;; esac
	done
	mkdir -p "$new/lib/host"
	find "$cache/new/host/" -path '*/x86_64-linux-gnu/*' -name '*.so.*' ! -path '*/gconv/*' -exec cp -L {} "$new/lib/host/" \;
	ln -sf swift-driver "$new/bin/swift"
	ln -sf llvm-objcopy "$new/bin/llvm-strip"
	# This machine's SwiftPM finds the tests of XCTest with it, and wants it beside the compiler.
	ln -sf "$toolchain/lib/libIndexStore.so" "$new/lib/libIndexStore.so"
	fetch "$board_suite" amd64 "$cache/debs/patchelf" patchelf
	unpack "$cache/new/patchelf" "$cache"/debs/patchelf/*.deb
	find "$new/bin" -type f | while read -r program; do
		"$new/lib/host/ld-linux-x86-64.so.2" --library-path "$new/lib/host" "$cache/new/patchelf/usr/bin/patchelf" --force-rpath \
			--set-interpreter "$cache/compiler/lib/host/ld-linux-x86-64.so.2" \
			--set-rpath "$cache/compiler/lib/host:\$ORIGIN/../lib/swift/linux:\$ORIGIN/../lib/swift/host/compiler:\$ORIGIN/../lib/swift/host:\$ORIGIN/../lib" \
			"$program"
	done
	rm -rf "$cache/compiler"
	mv "$new" "$cache/compiler"
	if ! "$cache/compiler/bin/swiftc" --version >/dev/null 2>&1; then
		"$cache/compiler/bin/swiftc" --version >&2 || true
		rm -rf "$cache/compiler"
		fail "Debian's compiler does not run here"
	fi
}

# Swift's libraries for the board
make_runtime() {
	local debs=$cache/debs/runtime new=$cache/new/runtime deb
	say "downloading Swift's libraries for arm64"
	fetch "$swift_suite" arm64 "$debs" swiftlang libswiftlang
	say "unpacking them"
	for deb in "$debs"/*.deb; do
		extract "$deb" "$new" 4 --exclude="*/embedded" --exclude="$libexec/lib/swift/host" --exclude="*/migrator" \
			--exclude="*/FrameworkABIBaseline" $libexec/lib/{swift,swift_static,clang}
	done
	for file in swift/linux/libswiftCore.so swift_static/linux/libFoundationEssentials.a; do
		[ -e "$new/lib/$file" ] || fail "Debian's Swift $compiler for arm64 lacks $file"
	done
	# Debian has this module without its library. Nothing of it is used; an empty archive pleases the linker.
	[ -e "$new/lib/swift/linux/lib_Testing_Foundation.so" ] ||
		"$cache/compiler/bin/llvm-ar" rcs "$new/lib/swift/linux/lib_Testing_Foundation.a"
	rm -rf "$cache/runtime"
	mv "$new" "$cache/runtime"
}

# What SwiftPM calls an SDK: the board's headers and libraries with Swift's among them
make_sdk() {
	local bundle=$cache/new/sdks/swift-arm64.artifactbundle
	local sysroot=$bundle/linux-arm64/sysroot
	say "downloading the board's headers and libraries (Debian $board_suite)"
	fetch_all "$board_suite" arm64 "$cache/debs/sysroot" "${packages[@]}"
	unpack "$sysroot" "$cache"/debs/sysroot/*.deb
	rm -rf "$sysroot"/{usr/share,var,etc} "$sysroot"/usr/lib/aarch64-linux-gnu/gconv
	cp -al "$cache/runtime/lib/." "$sysroot/usr/lib/"
	cat >"$bundle/info.json" <<-'JSON'
		{"schemaVersion": "1.0", "artifacts": {"linux-arm64":
		  {"type": "swiftSDK", "version": "1.0.0", "variants": [{"path": "linux-arm64"}]}}}
	JSON
	cat >"$bundle/linux-arm64/swift-sdk.json" <<-'JSON'
		{"schemaVersion": "4.0", "targetTriples": {"aarch64-unknown-linux-gnu":
		  {"sdkRootPath": "sysroot", "swiftResourcesPath": "sysroot/usr/lib/swift",
		   "swiftStaticResourcesPath": "sysroot/usr/lib/swift_static", "toolsetPaths": ["toolset.json"]}}}
	JSON
	echo '{"schemaVersion": "1.0", "swiftCompiler": {"extraCLIOptions": ["-use-ld=lld"]}}' >"$bundle/linux-arm64/toolset.json"
	rm -rf "$cache/sdks"
	mv "$cache/new/sdks" "$cache/sdks"
}

make_emulator() {
	say "downloading qemu's user emulation"
	fetch "$board_suite" amd64 "$cache/debs/qemu" qemu-user
	unpack "$cache/new/qemu" "$cache"/debs/qemu/*.deb
	install -D "$cache/new/qemu/usr/bin/qemu-aarch64" "$cache/bin/qemu-aarch64"
}

say "reading the archive's lists"
update "$board_suite" arm64
update "$board_suite" amd64
if [ ! -e "$cache/compiler" ] || [ ! -e "$cache/runtime" ]; then
	update "$swift_suite" amd64
	update "$swift_suite" arm64
	compiler=$(version "$swift_suite" amd64 swiftlang)
	runtime=$(version "$swift_suite" arm64 swiftlang)
	[ -n "$compiler" ] && [ -n "$runtime" ] ||
		skip "Debian $swift_suite has Swift '${compiler:-none}' for amd64 and '${runtime:-none}' for arm64: both are needed"
	# +bN: built once more from the same source
	[ "${compiler%+b*}" = "${runtime%+b*}" ] ||
		skip "Debian $swift_suite has Swift $compiler for amd64 and $runtime for arm64: they must be the same"
	dpkg --compare-versions "$compiler" ge "$least" || skip "Debian $swift_suite has Swift $compiler; $least is needed"
	rm -rf "$cache"/{compiler,runtime}
	make_compiler
	make_runtime
fi
make_sdk
make_emulator
rm -rf "$cache/debs" "$cache/new"
echo "$wanted" >"$cache/ready"
say "ready: $("$cache/compiler/bin/swiftc" --version 2>&1 | head -1), $(du -sm "$cache" | cut -f1) MB in $cache"
