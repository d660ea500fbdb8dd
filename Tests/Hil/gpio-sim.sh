#!/bin/bash
# gpio-sim.sh LAB VERSION: Debian has CONFIG_GPIO_SIM=n, so the module is built out of tree from Debian's own source of
# that kernel, into the modules of the lab. The packages lie in LAB/debs/headers.
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
	'*/kernel/irq/irq_sim.c'
cd "$work/module"
cp "$work/source/drivers/gpio/gpio-sim.c" gpio-sim-core.c
cp "$work/source/drivers/gpio/gpiolib.h" "$work/source/kernel/irq/irq_sim.c" .
printf '%s\n' 'obj-m := gpio-sim.o' 'gpio-sim-y := gpio-sim-core.o irq_sim.o' 'ccflags-y := -I$(src)' >Kbuild
# irq_to_desc is not exported to modules; the flow handler is handle_simple_irq anyway.
sed -i 's/handle_simple_irq(irq_to_desc(irqnum))/generic_handle_irq_safe(irqnum)/' irq_sim.c
make -s -C "$headers" M="$work/module" CC=gcc modules >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; exit 1; }
install -D -m 644 gpio-sim.ko "$lab/kernel/lib/modules/$version/extra/gpio-sim.ko"
