#!/bin/bash
# cross.sh smoke|hil|all: builds programs and tests for arm64, and tries them: by qemu's user emulation (smoke), on Debian 13's
# kernel in an emulated board (hil), or both. Status 77: SKIPPED, nothing was built; a stage of CI counts that neither as passed
# nor as failed.
set -euo pipefail
cd "$(dirname "$0")/../.."
what=$1 status=0
programs=.build-arm64/aarch64-unknown-linux-gnu/release
tests=.build-arm64/tests/aarch64-unknown-linux-gnu/debug/basestationPackageTests.xctest
say() { echo "cross: [$SECONDS s] $*"; }
# quietly COMMAND…: what it says is shown when it fails
quietly() {
	local log; log=$(mktemp)
	"$@" >"$log" 2>&1 || { status=$?; tail -60 "$log"; rm -f "$log"; exit $status; }
	rm -f "$log"
}

Tests/Cross/sdk.sh || status=$?
if [ $status = 77 ]; then echo "arm64 $what: 0 passed, 0 failed, 1 SKIPPED"; fi
[ $status = 0 ] || exit $status
say "building basestationd, basestation, basestation-miner and qlink for arm64: release, Swift's runtime inside, stripped"
for product in basestationd basestation basestation-miner qlink; do
	quietly Tests/Cross/build.sh -c release --scratch-path .build-arm64 --product $product --static-swift-stdlib -Xlinker -s
done
say "building the tests for arm64"
quietly Tests/Cross/build.sh --scratch-path .build-arm64/tests --build-tests -Xlinker -s
if [ "$what" != hil ]; then
	say "trying the programs"
	Tests/Cross/smoke.sh $programs $tests
fi
if [ "$what" != smoke ]; then
	export ARCH=arm64
	Tests/Hil/prepare.sh
	say "booting, for the HIL suite"
	Tests/Hil/run.sh $tests
	say "booting, for the daemon's size in memory"
	Tests/Hil/boot.sh 300 "cd '$PWD' && Tests/Cross/resident.sh $programs"
fi
echo "arm64 $what: 1 passed, 0 failed, 0 skipped, in $SECONDS s"
