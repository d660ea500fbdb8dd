#!/bin/bash
# modules.sh LAB VERSION: what the tests need of simulated hardware and Debian's kernel has not (gpio-sim; for arm64 also i2c-stub) is
# built out of tree from Debian's own source of that kernel, into the modules of the lab. The packages lie in LAB/debs/headers.
# ARCH=arm64: by Swift's own clang; SDK= is where Tests/Cross/sdk.sh keeps the libc of newer Debians.
set -eu
lab=$1 version=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for deb in "$lab"/debs/headers/linux-{headers,kbuild}-*.deb; do dpkg -x "$deb" "$work"; done
headers=$work/usr/src/linux-headers-$version
# Debian's Makefile names the common headers by their place on an installed system.
sed -i "s#^include /usr/src/#include $work/usr/src/#" "$headers/Makefile"
mkdir "$work/module" "$work/source"
dpkg --fsys-tarfile "$lab"/debs/headers/linux-source-*.deb | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
	xz -dc | tar -x -C "$work/source" --strip-components=1 --wildcards '*/drivers/gpio/gpio-sim.c' '*/drivers/gpio/gpiolib.h' \
	'*/kernel/irq/irq_sim.c' '*/drivers/i2c/i2c-stub.c'
cd "$work/module"
cp "$work/source/drivers/gpio/gpio-sim.c" gpio-sim-core.c
cp "$work/source/drivers/gpio/gpiolib.h" "$work/source/kernel/irq/irq_sim.c" "$work/source/drivers/i2c/i2c-stub.c" .
missing=$(for name in gpio-sim i2c-stub; do find "$lab/kernel" -name "$name.ko*" | grep -q . || echo $name; done)
# shellcheck disable=SC2086  # several words
printf '%s\n' "obj-m := $(printf '%s.o ' $missing)" 'gpio-sim-y := gpio-sim-core.o irq_sim.o' 'ccflags-y := -I$(src)' >Kbuild
# irq_to_desc is not exported to modules; the flow handler is handle_simple_irq anyway.
sed -i 's/handle_simple_irq(irq_to_desc(irqnum))/generic_handle_irq_safe(irqnum)/' irq_sim.c

tools=(CC=gcc)
if [ "${ARCH:-amd64}" = arm64 ]; then
	swift=$(dirname "$(readlink -f "$(command -v swift)")")
	# Debian compiles its kernels with gcc: clang is told the same in its words.
	cat >"$work/cc" <<-END
		#!/bin/bash
		for argument; do
			shift
			case \$argument in
				-fconserve-stack) ;;
				-fmin-function-alignment=*) set -- "\$@" "-falign-functions=\${argument#*=}" ;;
				*) set -- "\$@" "\$argument" ;;
			esac
		done
		exec "$swift/clang" --target=aarch64-linux-gnu "\$@" -w -Wno-unknown-warning-option
	END
	# A tool of the kernel's build runs here, with a libc that may be newer than this machine's.
	for tool in "$work"/usr/lib/linux-kbuild-*/scripts/mod/modpost.real-lsb-64; do
		mv "$tool" "$tool.own"
		printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$SDK/compiler/lib/host/ld-linux-x86-64.so.2" \
			"$SDK/compiler/lib/host" "$tool.own" >"$tool"
		chmod 755 "$tool"
	done
	chmod 755 "$work/cc"
	rm -f "$headers/vmlinux"  # else types for BPF are wanted, and pahole
	tools=(CC="$work/cc" LLVM="$swift/" CROSS_COMPILE=)
fi
make -s -C "$headers" M="$work/module" "${tools[@]}" modules >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; exit 1; }
for module in $missing; do install -D -m 644 "$module.ko" "$lab/kernel/lib/modules/$version/extra/$module.ko"; done
