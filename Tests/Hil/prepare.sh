#!/bin/bash
# prepare.sh: makes build/hil, from which boot.sh starts Debian's kernel with simulated radios and GPIO chips.
# Packages are downloaded and unpacked there; nothing is installed on this machine but what compiles a kernel module, if
# it is missing. As root (apt), with the network.
set -eu
cd "$(dirname "$0")/../.."
lab=$PWD/build/hil
# A lab that an earlier form of these scripts made is made anew.
stamp=$(cat Tests/Hil/{prepare.sh,gpio-sim.sh,init} | sha256sum)
[ "$(cat "$lab/ready" 2>/dev/null)" = "$stamp" ] && exit 0
rm -rf "$lab"
mkdir -p "$lab"
say() { echo "hil: $*"; }
fail() { echo "hil: $*" >&2; exit 1; }
trap 'rm -rf "$lab/debs"' EXIT

apt-get -qq update || fail "apt-get update failed: the lab is made of Debian's packages"
image=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-/ { print $2; exit }')
[ -n "$image" ] || fail "linux-image-amd64 names no kernel"
version=${image#linux-image-}

# download FOLDER PACKAGE…: with what they need beyond what this machine has
download() {
	local folder=$lab/debs/$1; shift
	mkdir -p "$folder/partial"
	apt-get -qq install -y --no-install-recommends --reinstall --download-only -o Dir::Cache::archives="$folder" "$@" >/dev/null ||
		fail "cannot download $*"
}
# unpack FOLDER DEB…: keeps /lib -> usr/lib, which dpkg -x would replace by folders
unpack() {
	local folder=$1; shift
	mkdir -p "$folder"/usr/{bin,sbin,lib,lib64}
	for name in bin sbin lib lib64; do [ -e "$folder/$name" ] || ln -s usr/$name "$folder/$name"; done
	for deb; do dpkg --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$folder"; done
}

missing=$(for tool in gcc make xz; do command -v $tool >/dev/null || echo $tool; done | sed 's/^xz$/xz-utils/')
ldconfig -p | grep -q 'libelf\.so\.1' || missing="$missing libelf1"
# shellcheck disable=SC2086  # several words
[ -z "$missing" ] || DEBIAN_FRONTEND=noninteractive apt-get -qq install -y $missing >/dev/null || fail "cannot install $missing"

say "downloading qemu, Linux $version, hostapd, wpa_supplicant, iw, gpsd"
download tools qemu-system-x86 qemu-system-data seabios
download guest hostapd wpasupplicant iw wireless-regdb busybox-static kmod dnsmasq-base gpsd i2c-tools systemd udev
(mkdir -p "$lab/debs/kernel"; cd "$lab/debs/kernel"; apt-get -qq download "$image") || fail "cannot download $image"
unpack "$lab/tools" "$lab"/debs/tools/*.deb
unpack "$lab/guest" "$lab"/debs/guest/*.deb
dpkg -x "$lab"/debs/kernel/*.deb "$lab/kernel"
# shellcheck disable=SC2046  # several words
(mkdir -p "$lab/debs/headers"; cd "$lab/debs/headers"
	headers=linux-headers-$version
	apt-get -qq download "$headers" "linux-source-${version%.*}" \
		$(apt-cache depends "$headers" | awk '/Depends: linux-(headers|kbuild)-/ { print $2 }')) ||
	fail "cannot download the headers and the source of Linux $version"
Tests/Hil/gpio-sim.sh "$lab" "$version" || fail "gpio-sim was not built"
ln -sf "$lab/guest/usr/bin/kmod" "$lab/depmod"
"$lab/depmod" -b "$lab/kernel" "$version"
cp "$lab/kernel/boot/vmlinuz-$version" "$lab/vmlinuz"
# the regulatory database lies there under the name of who signed it
for file in regulatory.db regulatory.db.p7s; do
	[ -e "$lab/guest/usr/lib/firmware/$file" ] || cp "$lab/guest/usr/lib/firmware/$file-debian" "$lab/guest/usr/lib/firmware/$file"
done

say "making the initial file system"
ird=$(mktemp -d)
mkdir -p "$ird"/{bin,modules,proc,sys,dev,host,lab,out,rw,root}
cp "$lab/guest/usr/bin/busybox" "$ird/bin/"
install -m 755 Tests/Hil/init "$ird/init"
number=10
for name in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci netfs fscache 9pnet 9pnet_virtio 9p overlay; do
	file=$(find "$lab/kernel" -name $name.ko | head -1)
	[ -z "$file" ] || cp "$file" "$ird/modules/$number-$name.ko"  # some kernels have it built in
	number=$((number + 1))
done
(cd "$ird"; find . | "$lab/guest/usr/bin/busybox" cpio -o -H newc 2>/dev/null) | gzip -1 >"$lab/initrd.gz"
rm -rf "$ird"
echo "$stamp" >"$lab/ready"
say "ready: Linux $version"
