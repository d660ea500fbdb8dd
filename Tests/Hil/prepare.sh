#!/bin/bash
# prepare.sh: makes the lab from which boot.sh starts Debian's kernel with simulated radios and GPIO chips. ARCH=arm64: Debian 13's
# kernel for arm64 with a root of its own, for the programs that the SDK of Tests/Cross built.
# Packages are downloaded and unpacked there; nothing is installed on this machine but what compiles a kernel module, if
# it is missing. As root (apt), with the network.
set -eu
cd "$(dirname "$0")/../.."
arch=${ARCH:-amd64}
say() { echo "hil: $*"; }
fail() { echo "hil: $*" >&2; exit 1; }
case $arch in
	amd64) lab=$PWD/build/hil emulator=(qemu-system-x86 qemu-system-data seabios) ;;
	arm64) lab=$PWD/build/hil-arm64 emulator=(qemu-system-arm) ;;
	*) fail "ARCH is amd64 or arm64, not $arch" ;;
esac
guest=(hostapd wpasupplicant iw wireless-regdb busybox-static kmod dnsmasq-base gpsd i2c-tools systemd udev)
# what the guest takes from this machine when it is of the same architecture
base=(base-files base-passwd make netbase dash bash coreutils grep sed util-linux mount procps iproute2 nftables ethtool libsqlite3-0 libstdc++6 libgpiod3)
sdk=$(readlink -m "${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/basestation/arm64}")
[ $arch = amd64 ] || [ -e "$sdk/ready" ] || fail "there is no SDK for arm64; make it: Tests/Cross/sdk.sh"
# A lab that an earlier form of these scripts made, or for an earlier SDK, is made anew.
stamp=$(cat Tests/Hil/{prepare.sh,modules.sh,init} Tests/Cross/debian.sh | sha256sum)
if [ "$(cat "$lab/ready" 2>/dev/null)" = "$stamp" ] && { [ $arch = amd64 ] || [ "$lab/ready" -nt "$sdk/ready" ]; }; then exit 0; fi
rm -rf "$lab"
mkdir -p "$lab"
trap 'rm -rf "$lab/debs"' EXIT
cache=$lab suite=${BOARD_SUITE:-trixie}
. Tests/Cross/debian.sh

# download FOLDER PACKAGE…: this machine's, with what they need beyond what it has
download() {
	local folder=$lab/debs/$1; shift
	mkdir -p "$folder/partial"
	apt-get -qq install -y --no-install-recommends --reinstall --download-only -o Dir::Cache::archives="$folder" "$@" >/dev/null ||
		fail "cannot download $*"
}
# get FOLDER PACKAGE…: this machine's, these alone
get() {
	local folder=$lab/debs/$1; shift
	mkdir -p "$folder"
	(cd "$folder"; apt-get -qq download "$@") || fail "cannot download $*"
}
# kernel_of PROGRAM…: the package that linux-image-ARCH stands for
kernel_of() { "$@" depends linux-image-$arch | awk '/Depends: linux-image-/ { print $2; exit }'; }

apt-get -qq update || fail "apt-get update failed: the lab is made of Debian's packages"
missing=$(for tool in gcc make xz; do command -v $tool >/dev/null || echo $tool; done | sed 's/^xz$/xz-utils/')
ldconfig -p | grep -q 'libelf\.so\.1' || missing="$missing libelf1"
# shellcheck disable=SC2086  # several words
[ -z "$missing" ] || DEBIAN_FRONTEND=noninteractive apt-get -qq install -y $missing >/dev/null || fail "cannot install $missing"
say "downloading the emulator"
download tools "${emulator[@]}" kmod busybox-static
unpack "$lab/tools" "$lab"/debs/tools/*.deb
if [ $arch = amd64 ]; then
	image=$(kernel_of apt-cache)
	say "downloading ${image:?linux-image-$arch names no kernel}, hostapd, wpa_supplicant, iw"
	download guest "${guest[@]}"
	get kernel "$image"
else
	update "$suite" $arch
	image=$(kernel_of foreign "$suite" $arch apt-cache)
	say "downloading ${image:?linux-image-$arch names no kernel}, hostapd, wpa_supplicant, iw and a root for them"
	fetch_all "$suite" $arch "$lab/debs/guest" "${guest[@]}" "${base[@]}"
	fetch "$suite" $arch "$lab/debs/kernel" "$image"
fi
version=${image#linux-image-}
unpack "$lab/guest" "$lab"/debs/guest/*.deb
unpack "$lab/kernel" "$lab"/debs/kernel/*.deb
headers=linux-headers-$version source=linux-source-$(cut -d. -f1-2 <<<"$version")
# needed PREFIX PROGRAM…: what the headers need that begins so
needed() { local prefix=$1; shift; "$@" depends "$headers" | awk -v p="$prefix" '/Depends: / && index($2, p) == 1 { print $2 }'; }
# shellcheck disable=SC2046  # several words
if [ $arch = amd64 ]; then
	get headers "$headers" "$source" $(needed linux-headers- apt-cache) $(needed linux-kbuild- apt-cache)
else
	lists=(foreign "$suite" $arch apt-cache)
	fetch "$suite" $arch "$lab/debs/headers" "$headers" "$source" $(needed linux-headers- "${lists[@]}")
	update "$suite" amd64  # the tools of the kernel's build run here
	fetch "$suite" amd64 "$lab/debs/headers" $(needed linux-kbuild- "${lists[@]}")
fi
SDK=$sdk Tests/Hil/modules.sh "$lab" "$version" || fail "the modules of simulated hardware were not built"
ln -sf "$lab/tools/usr/bin/kmod" "$lab/depmod"
LD_LIBRARY_PATH=$lab/tools/usr/lib/x86_64-linux-gnu "$lab/depmod" -b "$lab/kernel" "$version"
cp "$lab/kernel/boot/vmlinuz-$version" "$lab/vmlinuz"
# the regulatory database lies there under the name of who signed it
for file in regulatory.db regulatory.db.p7s; do
	[ -e "$lab/guest/usr/lib/firmware/$file" ] || cp "$lab/guest/usr/lib/firmware/$file-debian" "$lab/guest/usr/lib/firmware/$file"
done
if [ $arch = arm64 ]; then
	# what maintainer scripts would have made
	mkdir -p "$lab"/guest/{etc,var,root,proc,sys,dev,run,tmp}
	for file in passwd group; do cp "$lab/guest/usr/share/base-passwd/$file.master" "$lab/guest/etc/$file"; done
	rm -rf "$lab/guest/var/run"
	ln -s /run "$lab/guest/var/run"
	# the tests are linked with Swift's shared libraries
	cp "$sdk"/runtime/lib/swift/linux/*.so "$lab/guest/usr/lib/aarch64-linux-gnu/"
fi

say "making the initial file system"
ird=$(mktemp -d)
mkdir -p "$ird"/{bin,modules,proc,sys,dev,host,lab,out,rw,root}
cp "$lab/guest/usr/bin/busybox" "$ird/bin/"
install -m 755 Tests/Hil/init "$ird/init"
number=10
for name in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci netfs fscache 9pnet 9pnet_virtio 9p overlay; do
	file=$(find "$lab/kernel" -name $name.ko -o -name $name.ko.xz | head -1)
	case $file in  # some kernels have it built in
		*.xz) xz -dc "$file" >"$ird/modules/$number-$name.ko" ;;
		*.ko) cp "$file" "$ird/modules/$number-$name.ko" ;;
	esac
	number=$((number + 1))
done
(cd "$ird"; find . | "$lab/tools/usr/bin/busybox" cpio -o -H newc 2>/dev/null) | gzip -1 >"$lab/initrd.gz"
rm -rf "$ird"
echo "$stamp" >"$lab/ready"
say "ready: Linux $version"
