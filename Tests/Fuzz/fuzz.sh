#!/bin/bash
# fuzz.sh SECONDS [TARGET [INPUT]]: fuzz every decoder, or one; with INPUT, run that file once.
# What is found lies in build/fuzz, with the command that shows it again.
set -u
cd "$(dirname "$0")/../.."
seconds=$1 only=${2:-} input=${3:-}
targets="configuration canonical text json netlink hostapd gpsd chain stratum monero pool"
if [[ " $targets " != *" ${only:-$targets} "* || ( -n "$input" && -z "$only" ) ]]; then
	echo "TARGET is one of: $targets; INPUT needs it" >&2
	exit 2
fi
program=.build-fuzz/release/fuzz
export SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=0
failed=0
for target in ${only:-$targets}; do
	export QLINK_FUZZ=$target
	if [ -n "$input" ]; then exec $program "$input"; fi
	corpus=build/fuzz/$target; mkdir -p "$corpus"
	case $target in
	configuration) cp board/*.toml "$corpus" ;;
	json | canonical | chain | stratum | monero) $program seeds "$corpus" ;;
	text) printf 'fd77::1' >"$corpus/a"; printf '02:00:00:00:00:01' >"$corpus/b"; printf '2026-11-23T09:00:00Z' >"$corpus/c"; printf "1.5 MB" >"$corpus/d"; printf '%s' 'code=AB%2DCD+1&x=&y' >"$corpus/e" ;;
	hostapd) printf '<3>AP-STA-CONNECTED 02:00:00:00:01:00 keyid=alice' >"$corpus/a"; printf '02:00:00:00:01:00\nflags=[AUTHORIZED]\nkeyid=bob\nstate=ENABLED\nchannel=6\n' >"$corpus/b" ;;
	gpsd) printf '%s\n' '@{"class":"VERSION","release":"3.22"}' '{"class":"TPV","mode":3,"time":"2026-11-23T12:00:05.250Z","lat":52.5,"lon":-13.4,"altHAE":79.1,"eph":14.25}' '{"class":"TPV","mode":2,"lat":-1.5e1,"lon":2,"epx":3,"epy":4}' >"$corpus/a" ;;
	netlink) # the kernel's messages that the netlink tests know, a file each
		awk '/^ +[0-9a-f]+$/ { hex = hex $1 } /"""\)/ { print ++n, hex; hex = "" }' Tests/NetlinkTests/Captured.swift | while read -r number hex; do
			printf '%b' "$(sed 's/../\\x&/g' <<<"$hex")" >"$corpus/kernel$number"
		done ;;
	esac
	echo "fuzzing $target for $seconds s"
	if ! timeout $((seconds + 60)) $program -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=1024 -timeout=10 \
		-print_final_stats=1 -artifact_prefix=build/fuzz/$target- "$corpus" >build/fuzz/$target.log 2>&1; then
		failed=1; tail -25 build/fuzz/$target.log
		echo "$target: FOUND; again with: make fuzz TARGET=$target INPUT=$(ls -t build/fuzz/$target-* 2>/dev/null | head -1)"
	fi
	awk '/number_of_executed_units|average_exec_per_sec|peak_rss_mb/ { printf "  %s %s", $1, $2 } /cov: / { cov = $4 } END { print "  edges " cov }' build/fuzz/$target.log
done
exit $failed
