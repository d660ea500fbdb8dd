#!/bin/bash
# smoke.sh FOLDER [TEST-BUNDLE]: are the programs in FOLDER arm64's, small, and do they work? Run by qemu's user emulation, so
# without any of the kernel's network: that is for `make hil ARCH=arm64`.
set -eu
cache=$(readlink -m "${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/basestation/arm64}")
sysroot=$cache/sdks/swift-arm64.artifactbundle/linux-arm64/sysroot
folder=$(readlink -f "$1") bundle=${2:-}
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true; rm -rf "$work"' EXIT
fail() { echo "cross: FAILED: $*" >&2; [ ! -e "$work/log" ] || tail -5 "$work/log" >&2; exit 1; }
passed() { echo "ok    $*"; }
# run PROGRAM ARGUMENT…: with no more than a minute
run() { timeout 60 "$cache/bin/qemu-aarch64" -L "$sysroot" "$folder/$1" "${@:2}"; }
needed() { readelf -d "$1" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p'; }

for program in basestationd basestation basestation-miner qlink; do
	readelf -h "$folder/$program" | grep -q 'Machine: *AArch64' || fail "$program is not arm64's"
	! readelf -S "$folder/$program" | grep -q '\.symtab' || fail "$program is not stripped"
	! needed "$folder/$program" | grep -E 'libFoundation|ICU|libswift' || fail "$program needs the library above"
	for library in $(needed "$folder/$program"); do
		[ -e "$sysroot/usr/lib/aarch64-linux-gnu/$library" ] || fail "$program needs $library, which the board has not"
	done
	version=$(run $program --version) || fail "$program --version"
	[ -n "$version" ] || fail "$program tells no version"
	passed "$program $version: for arm64, stripped, no full Foundation"
done

run basestation config check board/station.toml >"$work/log" 2>&1 || fail "basestation config check board/station.toml"
if sed 's/^hal = .*/hal = "steam"/' board/station.toml >"$work/bad.toml" && run basestation config check "$work/bad.toml" >"$work/log" 2>&1; then
	fail "a bad configuration was found good"
fi
passed "basestation config check: good is good, bad is bad"

export BASESTATION_STATION_STATE_DIRECTORY=$work/state BASESTATION_STATION_RUNTIME_DIRECTORY=$work/run
export BASESTATION_PORTAL_LISTEN_PORT=2059 BASESTATION_SOCKET=$work/run/control.sock
"$cache/bin/qemu-aarch64" -L "$sysroot" "$folder/basestationd" --config board/simulated.toml >"$work/log" 2>&1 &
daemon=$!
for _ in $(seq 60); do [ ! -S "$BASESTATION_SOCKET" ] || break; sleep 0.5; done
status=$(run basestation status --json) || fail "basestationd does not answer"
grep -q '"hal" : "simulated"' <<<"$status" || fail "the daemon's status is not a status: $status"
rss=$(awk '/^VmRSS/ { print $2 }' /proc/$daemon/status)
passed "basestationd, simulated: answers on its socket"
kill $daemon
wait $daemon || fail "basestationd ended with $? when it was asked to"
daemon=
passed "basestationd: ends when asked to"

address=$(run qlink wallet create --wallet "$work/wallet.key") || fail "qlink wallet create"
[[ $address =~ ^[0-9a-f]{64}$ ]] || fail "qlink wallet create: no address: $address"
passed "qlink wallet create: $address"

if [ -n "$bundle" ]; then
	suites='PrimitivesTests|ChargingTests'
	LD_LIBRARY_PATH=$sysroot/usr/lib/swift/linux timeout 1200 "$cache/bin/qemu-aarch64" -L "$sysroot" "$bundle" \
		--testing-library swift-testing --filter "$suites" >"$work/log" 2>&1 || fail "tests ($suites)"
	passed "$(grep -o 'Test run with .*' "$work/log" || fail "no test ran")"
fi

printf '\n%-18s %8s  %s\n' PROGRAM 'SIZE MB' 'SHARED LIBRARIES NEEDED'
for program in basestationd basestation basestation-miner qlink; do
	printf '%-18s %8s  %s\n' $program "$(stat -Lc %s "$folder/$program" | awk '{ printf "%.1f", $1 / 1e6 }')" "$(needed "$folder/$program" | tr '\n' ' ')"
done
echo "basestationd, simulated: $((rss / 1024)) MiB resident, the emulator's own among them (a board's own: make hil ARCH=arm64)"
