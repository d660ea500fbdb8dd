#!/bin/bash
# resident.sh FOLDER: on a board: what the daemon in FOLDER takes of its memory, serving two ports of the kernel's and nobody yet.
set -eu
fail() { echo "resident: $*" >&2; [ ! -e /tmp/daemon.log ] || cat /tmp/daemon.log >&2; exit 1; }
ip link add lan0 type veth peer name far0
ip link add wan0 type veth peer name far1
for port in lan0 wan0 far0 far1; do ip link set $port up; done
ip address add 10.77.0.1/24 dev lan0
export BASESTATION_STATION_STATE_DIRECTORY=/tmp/state BASESTATION_STATION_RUNTIME_DIRECTORY=/tmp/run
grep -v '^#' systemd/basestation.modules-load.conf | while read -r module; do modprobe $module; done
"$1/basestationd" --config board/station.toml --rules board/gate.nft >/tmp/daemon.log 2>&1 &
daemon=$!
for _ in $(seq 60); do [ ! -S /tmp/run/control.sock ] || break; sleep 0.5; done
status=$(BASESTATION_SOCKET=/tmp/run/control.sock "$1/basestation" status --json) || fail "the daemon does not answer"
case $status in *'"hal" : "linux"'*) ;; *) fail "not the kernel's station: $status" ;; esac
sleep 10
[ -e /proc/$daemon/status ] || fail "the daemon has ended"
printf '%-28s %8s %10s %10s %8s\n' "$(uname -m), Linux $(uname -r | cut -d- -f1)" 'RSS MiB' 'anon MiB' 'file MiB' threads
busybox awk '/^VmRSS/ { r = $2 } /^RssAnon/ { a = $2 } /^RssFile/ { f = $2 } /^Threads/ { t = $2 }
	END { printf "%-28s %8.1f %10.1f %10.1f %8d\n", "basestationd", r / 1024, a / 1024, f / 1024, t }' /proc/$daemon/status
kill $daemon
wait $daemon || fail "the daemon ended with $? when it was asked to"
