#!/bin/bash
# run.sh BUNDLE [SUITE…]: runs the HIL suites of a test bundle, each in a guest of its own, and counts them. What each leaves is in
# build/hil-results (ARCH=arm64: build/hil-results-arm64): report.xml, its log, and what its programs covered where BUNDLE was
# built for that.
set -u
cd "$(dirname "$0")/../.."
bundle=$1 results=$PWD/build/hil-results${ARCH:+-$ARCH}
shift
rm -rf "$results"
mkdir -p "$results"
tests=0 failed=()

# suite TRAIT NAME: systemd's are those that systemd starts
suite() {
	local name=$2 mode=1 init= begun=$SECONDS ran
	[ "$1" = hardwareInTheLoop ] || { mode=systemd; init=systemd; }
	INIT=$init RESULTS=$results/$name Tests/Hil/boot.sh 600 "cd '$PWD'
		QLINK_HIL=$mode LLVM_PROFILE_FILE=/tmp/%m.profraw '$bundle' --testing-library swift-testing --no-parallel \\
			--filter '\\.$name/' --xunit-output /out/report.xml
		status=\$?; cp /tmp/*.profraw /out/ 2>/dev/null; exit \$status" >"$results/$name.log" 2>&1
	local status=$?
	# A suite in which nothing ran has shown nothing.
	ran=$(sed -n 's/.*Test run with \([1-9][0-9]*\) tests\{0,1\} .* passed.*/\1/p' "$results/$name.log")
	grep -o 'hil: .*' "$results/$name.log"  # its figures
	if [ $status = 0 ] && [ -n "$ran" ]; then
		tests=$((tests + ran))
		echo "hil: ok      $name: $ran tests in $((SECONDS - begun)) s"
	else
		failed+=("$name")
		cut -c1-2000 "$results/$name.log" | tail -60
		echo "hil: FAILED  $name: status $status after $((SECONDS - begun)) s"
	fi
}

while read -r trait name; do
	[ $# = 0 ] || [[ " $* " = *" $name "* ]] || continue
	suite "$trait" "$name"
done < <(grep -hA1 '^@Suite(.*InTheLoop' Tests/HilTests/*.swift | sed -n '/^@Suite/ { s/@Suite(\([A-Za-z]*\).*/\1/; N; s/\n.*struct \([A-Za-z0-9]*\).*/ \1/p }')
echo "hil: $tests tests passed, ${#failed[@]} suites failed: ${failed[*]:-none}, in $SECONDS s"
[ ${#failed[@]} = 0 ] && [ $tests -gt 0 ]
