# Every target with its line: make help
SHELL := /bin/bash
.DEFAULT_GOAL := help
CONFIG ?= debug
BIN := $(CURDIR)/.build/$(CONFIG)
PACKAGES := nftables iproute2 ethtool procps util-linux pkg-config g++ \
	libsqlite3-dev libtomlplusplus-dev libgpiod-dev librandomx-dev monero
# Suites that run the programs, or wait for tasks that others' computations would hold up: one after the other.
PROCESSES := KernelTests|StationTests|PeeringTests|ChainTests|BoardKeeperTests|WirelessKeeperTests|LinuxHALTests|SettlementNetworkTests|MinerTests|MiningTests
KILLS ?= 200
# The programs that a test starts report here too.
TSAN := TSAN_OPTIONS=exitcode=0:log_path=$(CURDIR)/build/tsan/report:suppressions=$(CURDIR)/Tests/tsan.supp
# of `make fuzz`; bash has a SECONDS of its own, so it is taken from make's command line
SECONDS_EACH := $(if $(filter command line,$(origin SECONDS)),$(SECONDS),60)
SEEDS ?= 1000
MINUTES ?= 5
ROUNDS ?= 7
DELAY ?= 50
# One build for all tests; each program that ran adds to the profiles.
TEST_BUILD := swift build --build-tests --enable-code-coverage -Xswiftc -warnings-as-errors
TEST_BUNDLE := .build/debug/basestationPackageTests.xctest
PROFILED := LLVM_PROFILE_FILE=$(CURDIR)/build/coverage/%m.profraw
COVERED := $(TEST_BUNDLE) $(addprefix .build/debug/,basestationd basestation qlink)
# what was skipped says so in its last line, and is no failure of make's; the script's own status tells them apart
CROSS := Tests/Cross/cross.sh
OR_SKIPPED := || [ $$? = 77 ]

.PHONY: help deps build run devnet install test hil cross soak sim bench fuzz tsan lint check foundation clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install what is missing (Debian 12 and later, as root)
	@command -v swift >/dev/null || { echo "Swift 6.2 or later is not in PATH: https://www.swift.org/install/linux"; exit 1; }
	@missing=$$(for p in $(PACKAGES); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	if [ -n "$$missing" ]; then \
		[ $$(id -u) = 0 ] || { echo "missing packages; as root: apt-get install $$missing"; exit 1; }; \
		echo "installing" $$missing; \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y $$missing >/dev/null; \
	fi

build: deps ## build everything
	swift build -c $(CONFIG)

run: build ## a station that earns, on the real kernel in a lab (root); HAL=simulated: no root, stays up
ifeq ($(HAL),simulated)
	@mkdir -p build/simulated
	@echo "in another terminal:  export BASESTATION_SOCKET=$(CURDIR)/build/simulated/run/control.sock"
	@echo "                      $(BIN)/basestation status    and: sim join|leave|traffic|fault"
	BASESTATION_STATION_STATE_DIRECTORY=$(CURDIR)/build/simulated/state \
	BASESTATION_STATION_RUNTIME_DIRECTORY=$(CURDIR)/build/simulated/run \
		exec $(BIN)/basestationd --config board/simulated.toml
else
	$(BIN)/labrun --output build/run.json
endif

devnet: build ## four delegates, a station and a wallet in namespaces: blocks, a channel, a payment, a kill, a return (root; DELAY= ms)
	$(BIN)/devnet --delay $(DELAY) --output build/devnet.json

install: ## programs, units and a first configuration into DESTDIR (build first: make build CONFIG=release)
	install -D -t $(DESTDIR)/usr/bin $(BIN)/basestationd $(BIN)/basestation $(BIN)/qlink
	install -D -t $(DESTDIR)/usr/libexec $(BIN)/basestation-miner
	install -D -m 644 -t $(DESTDIR)/usr/share/basestation board/gate.nft board/station.toml
	install -D -m 644 -t $(DESTDIR)/usr/share/basestation/genesis board/genesis/*.json
	install -D -m 644 -t $(DESTDIR)/usr/lib/systemd/system systemd/*.service systemd/*.path systemd/*.socket systemd/*.slice
	install -D -m 644 -t $(DESTDIR)/usr/lib/udev/rules.d systemd/60-basestation-gpio.rules
	for kind in sysusers sysctl modules-load; do \
		install -D -m 644 systemd/basestation.$$kind.conf $(DESTDIR)/usr/lib/$$kind.d/basestation.conf; done
	install -D -m 644 -t $(DESTDIR)/usr/share/doc/basestation README.md docs/api.md docs/chain-api.md docs/configuration.md
	test -e $(DESTDIR)/etc/basestation/station.toml || \
		install -D -m 644 board/station.toml $(DESTDIR)/etc/basestation/station.toml
	@[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || { systemd-sysusers; systemctl daemon-reload; \
		systemctl restart systemd-modules-load systemd-sysctl; udevadm control --reload; }

test: deps lint ## everything, from nothing; what it ran of each module: build/coverage/coverage.txt
	$(TEST_BUILD)
	rm -rf build/coverage
	$(MAKE) --no-print-directory foundation
	Tests/Lab/xmrig.sh build/xmrig || echo "SKIPPED: our pool is not tried with xmrig"
	$(PROFILED) swift test --skip-build --skip '$(PROCESSES)'
	$(PROFILED) swift test --skip-build --no-parallel --filter '$(PROCESSES)'
	$(PROFILED) $(BIN)/labrun --output build/run.json
	$(MAKE) --no-print-directory hil
	@echo "covered by all tests:"; Tests/coverage.sh build/coverage:build/hil-results $(COVERED)

hil: deps ## radio and board on a booted Debian kernel with simulated ones, in an emulator (root for the first time: apt); ARCH=arm64
ifeq ($(ARCH),arm64)
	@$(CROSS) hil $(OR_SKIPPED)
else
	$(TEST_BUILD)
	Tests/Hil/prepare.sh
	Tests/Hil/run.sh $(TEST_BUNDLE) $(SUITES)
	@echo "covered on the booted kernel:"; Tests/coverage.sh build/hil-results $(COVERED)
endif

cross: deps ## programs and tests for arm64 boards, tried by emulation (ARCH=arm64; first time: root, the network, 1.5 GB in CACHE=)
	@[ "$(ARCH)" = arm64 ] || { echo "make cross ARCH=arm64: there is no other yet"; exit 1; }
	@$(CROSS) smoke $(OR_SKIPPED)

soak: deps ## the daemon killed 200 times under traffic (KILLS=, QLINK_SEED=)
	swift build --build-tests
	QLINK_KILLS=$(KILLS) swift test --skip-build --filter KillTests

sim: deps ## simulate stations and networks of delegates, faster than time passes (SEEDS= of each, MINUTES= of a station)
	swift build -c release --product simulate
	@mkdir -p build; rm -f build/sim.json
	@failed=0; for what in "stations --minutes $(MINUTES)" network; do \
		echo "simulate $$what"; \
		.build/release/simulate $$what --seeds $(SEEDS) --threads $$(nproc) --output build/sim.json || failed=1; done; exit $$failed

bench: deps ## what the station costs, each figure beside a reference (root; ROUNDS=, WHAT=forward read admit vouchers ledger chain devnet sync daemon mining sizes)
	swift build -c release
	.build/release/bench $(WHAT) --rounds $(ROUNDS) --output build/bench.json

fuzz: deps ## libFuzzer on every decoder (SECONDS= each, TARGET=, INPUT= to run one file again)
	QLINK_FUZZING=1 swift build -c release --scratch-path .build-fuzz --product fuzz -Xswiftc -sanitize=address \
		-Xswiftc -sanitize-coverage=edge,indirect-calls,trace-cmp,inline-8bit-counters,pc-table \
		-Xcc -fsanitize=fuzzer-no-link,address -Xcxx -fsanitize=fuzzer-no-link,address \
		-Xlinker $$(ls $$(dirname $$(readlink -f $$(command -v swiftc)))/../lib/clang/*/lib/*/libclang_rt.fuzzer_no_main*.a | head -1)
	Tests/Fuzz/fuzz.sh $(SECONDS_EACH) '$(TARGET)' '$(INPUT)'

tsan: deps ## everything that needs no kernel, and the programs, under the thread sanitizer
	swift build --build-tests --sanitize=thread --scratch-path .build-tsan
	@rm -rf build/tsan; mkdir -p build/tsan
	$(TSAN) swift test --skip-build --sanitize=thread --scratch-path .build-tsan --skip 'KernelTests|SimulationTests|StationTests'
	$(TSAN) swift test --skip-build --sanitize=thread --scratch-path .build-tsan --no-parallel --filter StationTests
	@! grep -l 'WARNING: ThreadSanitizer' build/tsan/* 2>/dev/null || { echo "races found: see the files above"; exit 1; }

lint: ## format and rules of the house
	swift format lint --strict --recursive --parallel Package.swift Sources Tests

check: lint ## lint, and imports as declared
	swift build --explicit-target-dependency-import-check error

foundation: ## no shipped program may need full Foundation or its ICU
	@for program in basestationd basestation basestation-miner qlink; do \
		if ldd $(BIN)/$$program | grep -E 'libFoundation\.so|FoundationICU|FoundationInternationalization'; then \
			echo "$$program needs full Foundation: 44 MB on a board; import FoundationEssentials"; exit 1; fi; \
	done; echo "no shipped program needs full Foundation"

clean: ## remove what was built
	rm -rf .build .build-fuzz .build-tsan .build-arm64 build
