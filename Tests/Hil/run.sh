#!/bin/bash
# run.sh BUNDLE [SUITE…]: runs the HIL suites of a test bundle, each in a guest of its own, JOBS= (2) at a time, and counts them. What
# each leaves is in build/hil-results (ARCH=arm64: build/hil-results-arm64): its log, report.xml, and what its programs covered
# where BUNDLE was built for that.
set -u
cd "$(dirname "$0")/../.."
bundle=$1 results=$PWD/build/hil-results${ARCH:+-$ARCH}
shift
rm -rf "$results"
mkdir -p "$results"

# suite TRAIT NAME: systemd's are those that systemd starts
suite() {
	local name=$2 log=$results/$2.log begun=$SECONDS mode=1 init= status ran
	[ "$1" = hardwareInTheLoop ] || { mode=systemd; init=systemd; }
	# Debian's kernel has stopped in its own listing of links while simulated radios went (a null pointer in rtnl_dump_ifinfo, seen once,
	# on the emulated arm64): that is said, and the suite begins again, once.
	for boot in 1 2; do
		INIT=$init RESULTS=$results/$name Tests/Hil/boot.sh 600 "cd '$PWD'
			QLINK_HIL=$mode LLVM_PROFILE_FILE=/tmp/%m.profraw '$bundle' --testing-library swift-testing --no-parallel \\
				--filter '\\.$name/' --xunit-output /out/report.xml
			status=\$?; cp /tmp/*.profraw /out/ 2>/dev/null; exit \$status" >"$log" 2>&1
		status=$?
		[ $status = 70 ] && [ $boot = 1 ] || break
		printf '%s\n' "$(cut -c1-200 "$log" | tail -60; echo "hil: the guest's KERNEL stopped under $name: booted once more")"
	done
	# A suite in which nothing ran has shown nothing.
	ran=$(sed -n 's/.*Test run with \([1-9][0-9]*\) tests\{0,1\} .* passed.*/\1/p' "$log")
	if [ $status = 0 ] && [ -n "$ran" ]; then
		echo "$ran" >"$results/$name.passed"
		printf '%s\n' "$(grep -o 'hil: .*' "$log"; echo "hil: ok      $name: $ran tests in $((SECONDS - begun)) s")"
	else
		: >"$results/$name.failed"
		printf '%s\n' "$(cut -c1-2000 "$log" | tail -60; echo "hil: FAILED  $name: status $status after $((SECONDS - begun)) s")"
	fi
}

while read -r trait name; do
	[ $# = 0 ] || [[ " $* " = *" $name "* ]] || continue
	while [ "$(jobs -rp | wc -l)" -ge "${JOBS:-2}" ]; do wait -n; done
	suite "$trait" "$name" &
done < <(grep -hA1 '^@Suite(.*InTheLoop' Tests/HilTests/*.swift | sed -n '/^@Suite/ { s/@Suite(\([A-Za-z]*\).*/\1/; N; s/\n.*struct \([A-Za-z0-9]*\).*/ \1/p }')
wait
tests=$(cat "$results"/*.passed 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }')
failed=$(cd "$results" && for file in *.failed; do [ ! -e "$file" ] || printf ' %s' "${file%.failed}"; done)
echo "hil: $tests tests passed, suites that failed:${failed:- none}, in $SECONDS s"
[ -z "$failed" ] && [ "$tests" -gt 0 ]
