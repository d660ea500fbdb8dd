#!/bin/bash
# boot.sh SECONDS COMMAND: runs COMMAND in a guest of its own, shows what it printed, and ends with its status.
# With RESULTS=FOLDER, what the command left in /out is put there. With INIT=systemd, that is the first process. No KVM is needed.
# The guest sees this machine's files read-only and is gone afterwards; with ARCH=arm64 it has a root of its own and sees this
# project's files. A kernel that stops at a fault of its own is shown, and ends this with 70.
set -u
cd "$(dirname "$0")/../.."
limit=$1 command=$2
share() { echo "-fsdev local,id=$1,path=$2,security_model=none,multidevs=remap$3 -device virtio-9p-pci,fsdev=$1,mount_tag=$1"; }
if [ "${ARCH:-amd64}" = arm64 ]; then
	lab=$PWD/build/hil-arm64 files=$PWD console=ttyAMA0 guest="lower=/lab/guest project=$PWD"
	machine=(qemu-system-aarch64 -machine "virt,gic-version=3" -cpu cortex-a72)
else
	lab=$PWD/build/hil files=/ console=ttyS0 guest="lower=/lab/guest:/host"
	machine=(qemu-system-x86_64 -L "$lab/tools/usr/share/seabios" -machine q35 -cpu max)
fi
[ -e "$lab/ready" ] || { echo "hil: there is no lab; make it: Tests/Hil/prepare.sh" >&2; exit 1; }
out=$(mktemp -d "$lab/out.XXXXXX")
trap 'rm -rf "$out"' EXIT
echo "$command" >"$out/command"
export LD_LIBRARY_PATH=$lab/tools/usr/lib/x86_64-linux-gnu
# shellcheck disable=SC2046  # each share is several words
timeout "$limit" "$lab/tools/usr/bin/${machine[0]}" -L "$lab/tools/usr/share/qemu" "${machine[@]:1}" \
	-accel tcg,thread=multi -smp 2 -m 1536 -nic none -nodefaults -no-user-config -display none -no-reboot \
	-kernel "$lab/vmlinuz" -initrd "$lab/initrd.gz" \
	-append "console=$console quiet panic=-1 oops=panic mitigations=off nokaslr random.trust_cpu=on $guest${INIT:+ hil.$INIT}" \
	-serial "file:$out/console" -device virtio-rng-pci \
	$(share files "$files" ,readonly=on) $(share lab "$lab" ,readonly=on) $(share out "$out" "") </dev/null
qemu=$?
cat "$out/output" 2>/dev/null
[ -z "${RESULTS:-}" ] || { mkdir -p "$RESULTS"; for file in "$out"/*.*; do [ ! -e "$file" ] || mv "$file" "$RESULTS/"; done; }
if [ ! -e "$out/status" ]; then
	[ $qemu = 124 ] && echo "hil: the guest did not end in $limit s" >&2 || echo "hil: the guest died (qemu $qemu)" >&2
	if grep -a "Kernel panic - not syncing" "$out/console" | grep -qv "kill init"; then
		grep -a -m1 -A60 -E "BUG:|Unable to handle|Oops|Internal error|Kernel panic" "$out/console" >&2
		exit 70
	fi
	tail -20 "$out/console" >&2
	exit 1
fi
exit "$(cat "$out/status")"
