# The vocabulary for people and CI. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STATIC := relay/web/static/index.html
CORE := relay/native
LOAD := tests/load
CORE_SOURCES := $(shell find $(CORE)/src $(CORE)/Cargo.toml $(CORE)/Cargo.lock -type f)
# rustup puts its tools here without telling shells that run already.
export PATH := $(PATH):$(HOME)/.cargo/bin
CHROMIUM ?= chromium

# For packages that bring a service: tests start their own, and one of the system's would keep the port and the machine busy.
define NO_SERVICES
if ! test -e /usr/sbin/policy-rc.d; then trap 'rm -f /usr/sbin/policy-rc.d' EXIT; \
	printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; fi;
endef

.DEFAULT_GOAL := help
.PHONY: help run client lint test test-all test-core test-unit test-scenario test-pages test-browser test-client test-load bench bench-quick bench-crowd protocol measure measure-skips measure-loss bench-sockets wheel core rust chromium promtool test-monitoring lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/installed $(STATIC) ## Set everything up and serve at http://localhost:8080
	@exec $(BIN)/relay serve

client: $(STATIC) ## Build the browser client

lint: $(VENV)/installed client/node_modules/installed ## Style, types and import contracts
	$(BIN)/ruff format --check relay tests
	$(BIN)/ruff check relay tests
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd client && npm run --silent lint
	cargo fmt --check --manifest-path $(CORE)/Cargo.toml
	cargo clippy --quiet --locked --all-targets --manifest-path $(CORE)/Cargo.toml -- --deny warnings
	cargo fmt --check --manifest-path $(LOAD)/Cargo.toml
	cargo clippy --quiet --locked --all-targets --manifest-path $(LOAD)/Cargo.toml -- --deny warnings

test: core lint test-core test-client test-unit test-monitoring test-scenario test-load test-pages test-blocked-udp test-lossy-links ## Everything that must hold before a change lands

test-all: test test-browser ## The same, and what takes two engines or more time
	$(BIN)/pytest -q --engine frames tests/scenario tests/hostile tests/browser

test-client: client/node_modules/installed
	cd client && npm run --silent test

test-core: rust
	cargo test --quiet --locked --manifest-path $(CORE)/Cargo.toml

test-load: core $(STATIC) chromium
	cargo test --quiet --locked --manifest-path $(LOAD)/Cargo.toml
	$(BIN)/pytest -q $(LOAD)

test-unit: $(VENV)/installed
	$(BIN)/pytest -q tests/unit tests/contract

test-scenario: core $(STATIC) chromium coturn proxies systemd
	$(BIN)/pytest -q tests/scenario tests/hostile

test-pages: $(VENV)/installed $(STATIC) chromium proxies
	$(BIN)/pytest -q tests/browser -m 'not slow'

test-browser: $(VENV)/installed $(STATIC) chromium proxies ## Real browsers in every state that the page has
	$(BIN)/pytest -q tests/browser

test-monitoring: $(VENV)/installed promtool ## Fire every alert on made-up figures, with Prometheus's own tool
	promtool check config docker/prometheus/prometheus.yml
	promtool test rules docker/prometheus/rules_test.yml
	amtool check-config docker/alertmanager/alertmanager.yml
	$(BIN)/pytest -q tests/monitoring

.PHONY: test-network test-blocked-udp test-lossy-links network firefox
test-network: $(VENV)/installed $(STATIC) chromium network firefox ## Real browsers behind hostile networks (as root)
	$(BIN)/pytest -q tests/network

test-lossy-links: $(VENV)/installed $(STATIC) chromium
	$(BIN)/pytest -q tests/network/test_bad_links.py tests/network/test_narrow_links.py -k one_

test-blocked-udp: $(VENV)/installed $(STATIC) chromium network
	$(BIN)/pytest -q tests/network/test_everywhere.py -k test_udp_is_blocked

firefox: # Debian's package, as root; otherwise say what to install
	@command -v firefox-esr >/dev/null && command -v pulseaudio >/dev/null || { \
		if [ "$$(id -u)" = 0 ]; then $(NO_SERVICES) apt-get update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends firefox-esr pulseaudio >/dev/null; \
		else echo "These tests need Firefox and a sound server: install Debian's packages 'firefox-esr' and 'pulseaudio' and try again." >&2; exit 1; fi; }

network: # What the small internet is made of, Debian's packages; namespaces are for root alone
	@test "$$(id -u)" = 0 || { echo "Network tests make network namespaces: run them as root." >&2; exit 1; }
	@for tool in ip nft sysctl turnserver curl; do command -v $$tool >/dev/null || lacking=yes; done; \
		test -z "$$lacking" || { $(NO_SERVICES) apt-get update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq \
		--no-install-recommends iproute2 nftables coturn curl procps >/dev/null; }

.PHONY: fire-alerts test-container test-clone
fire-alerts: $(VENV)/installed promtool ## Cause every alert's condition on a live server, and see Prometheus fire it (as root)
	$(BIN)/python -m tests.monitoring.fire

.PHONY: truth
truth: core $(STATIC) promtool ## Hold what the operator is told of 200 played people, some with loss, against what was played
	$(BIN)/python -m tests.monitoring.truth

test-container: $(VENV)/installed chromium ## Build the container, run compose.yaml and have two people talk, on a base made by debootstrap (as root)
	docker/test-container

test-clone: $(VENV)/installed chromium ## Time it from a clone to two people talking, on a bare Debian made by debootstrap (as root)
	docker/test-clone

protocol: $(VENV)/installed ## Write the client's message types anew
	$(BIN)/python -m relay.protocol.typescript > client/src/core/protocol.ts

# Security: long fuzzing, and known vulnerabilities of what we build on.
.PHONY: fuzz cargo-fuzz audit cargo-audit attacks
FUZZ_SECONDS ?= 600
FUZZ_TARGETS := $(basename $(notdir $(wildcard $(CORE)/fuzz/fuzz_targets/*.rs)))

fuzz: $(VENV)/installed cargo-fuzz ## Fuzz every parser, ten minutes each (FUZZ_SECONDS=...)
	$(BIN)/python -m tests.hostile.fuzz --seconds $(FUZZ_SECONDS)
	cd $(CORE) && for target in $(FUZZ_TARGETS); do \
		cargo fuzz run --sanitizer none $$target -- -max_total_time=$(FUZZ_SECONDS) || exit 1; done

cargo-fuzz: rust # The stable toolchain is enough without a sanitizer: what is fuzzed has no `unsafe`
	@command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz

audit: $(VENV)/installed client/node_modules/installed cargo-audit ## Look for known vulnerabilities in what we depend on
	$(BIN)/python -m tests.hostile.audit

cargo-audit: rust
	@command -v cargo-audit >/dev/null || cargo install --quiet --locked cargo-audit || true

attacks: core $(STATIC) chromium ## Attack calls, pages and sessions class by class, and print rates, CPU, memory and who still got in
	$(BIN)/python -m tests.hostile.measure
	$(BIN)/python -m tests.hostile.measure --engine frames --audience visitors --rate 20000
	$(BIN)/python -m tests.hostile.siege

measure: $(VENV)/installed $(STATIC) chromium ## How soon strangers see each other, and what a pair costs
	$(BIN)/python -m tests.browser.first_frame

measure-skips: $(VENV)/installed $(STATIC) chromium ## Press Next 200 times: how soon somebody else is there, and that nothing stalls or grows
	$(BIN)/python -m tests.browser.skips

measure-loss: core $(STATIC) chromium ## What people see when packets are lost on the way
	$(BIN)/python -m tests.network.bad_links

.PHONY: measure-page
measure-page: $(VENV)/installed $(STATIC) chromium ## What the first load weighs, and how soon something is seen on a slow link
	$(BIN)/python -m tests.browser.first_load

.PHONY: measure-narrow
measure-narrow: core $(STATIC) chromium ## How senders follow a link that becomes narrow and wide again
	$(BIN)/python -m tests.network.narrow_links

bench: core ## Relay, the kernel's floor and coturn in one run; JSON=FILE keeps it
	$(BIN)/python -m tests.load.bench $(if $(JSON),--json $(JSON))

bench-quick: core ## The same in under 90 s
	$(BIN)/python -m tests.load.bench --quick $(if $(JSON),--json $(JSON))

bench-crowd: core ## A thousand people who talk for a minute on two cores; fails if they are lost, or much of what they say
	$(BIN)/python -m tests.load.crowd

.PHONY: soak
soak: core ## Churn: 100,000 pairs meet, part, lose their connections and come back; nothing may be left behind
	$(BIN)/python -m tests.load.soak

.PHONY: upgrade-drill overload
overload: core ## Past capacity: what those inside lose, and how soon newcomers are refused
	$(BIN)/python -m tests.load.overload

upgrade-drill: $(VENV)/installed ## How soon people talk again when another server takes the place of one that ends
	$(BIN)/python -m tests.load.upgrade

bench-sockets: $(VENV)/installed ## What ten thousand idle visitors cost
	$(BIN)/python -m tests.load.bench_sockets

wheel: $(VENV)/installed ## Build a wheel that carries the client, into dist/
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

core: $(VENV)/installed # The native core must have been built
	@$(BIN)/python -c 'import sys; from relay import native; sys.exit(not native.BUILT)' || { \
		echo "The native core was not built. Install a Rust toolchain (rustup, or Debian's rustc-web and cargo-web)," \
			"then 'make clean' and try again." >&2; exit 1; }

rust: # Debian's packages, as root; without a toolchain the server runs on the frames engine
	@command -v cargo >/dev/null || { test "$$(id -u)" = 0 && apt-get update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq \
		--no-install-recommends rustc-web cargo-web rustfmt-web rust-web-clippy >/dev/null; } || \
		echo "There is no Rust toolchain: the native core is left out." >&2

chromium: # Debian's package, as root; otherwise say what to install
	@command -v $(CHROMIUM) >/dev/null || { \
		if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends chromium fonts-liberation >/dev/null; \
		else echo "Browser tests need Chromium: install Debian's package 'chromium' and try again." >&2; exit 1; fi; }

.PHONY: coturn
coturn: # Debian's package, as root; otherwise say what to install
	@command -v turnserver >/dev/null || { \
		if [ "$$(id -u)" = 0 ]; then $(NO_SERVICES) apt-get update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends coturn >/dev/null; \
		else echo "TURN tests need turnserver: install Debian's package 'coturn' and try again." >&2; exit 1; fi; }

.PHONY: proxies
PROXIES := nginx-light libnginx-mod-stream haproxy caddy curl
proxies: # Debian's packages, as root; otherwise say what to install
	@for program in nginx haproxy caddy curl; do command -v $$program >/dev/null || lacking=yes; done; \
		test -e /usr/lib/nginx/modules/ngx_stream_module.so || lacking=yes; test -z "$$lacking" || { \
		if [ "$$(id -u)" = 0 ]; then $(NO_SERVICES) apt-get update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $(PROXIES) >/dev/null; \
		else echo "Tests behind proxies need Debian's packages $(PROXIES): install them and try again." >&2; exit 1; fi; }

.PHONY: systemd
systemd: # Debian's package, as root, without starting it; otherwise say what to install
	@command -v systemd-analyze >/dev/null || { \
		if [ "$$(id -u)" = 0 ]; then $(NO_SERVICES) apt-get update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends systemd >/dev/null; \
		else echo "The unit's test needs systemd-analyze: install Debian's package 'systemd' and try again." >&2; exit 1; fi; }

promtool: # Debian's package, as root, without starting its server; otherwise say what to install
	@command -v promtool >/dev/null && command -v amtool >/dev/null || { \
		if [ "$$(id -u)" = 0 ]; then $(NO_SERVICES) apt-get update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends prometheus prometheus-alertmanager >/dev/null; \
		else echo "Alert tests need promtool and amtool: install Debian's packages 'prometheus' and 'prometheus-alertmanager' and try again." >&2; exit 1; fi; }

lock: $(VENV)/installed ## Pin dependencies anew
	$(BIN)/pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--no-header --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--no-header --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	cd client && npm install --package-lock-only

clean: ## Remove what the other targets made
	rm -rf $(VENV) client/node_modules relay/web/static build target tests/output $(CORE)/*.so

# A virtual environment with exactly the locked versions, and the project in it.
$(VENV)/installed: requirements-dev.lock pyproject.toml $(CORE_SOURCES) | rust
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
		test "$$(id -u)" = 0 && apt-get update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq python3-venv && $(PYTHON) -m venv --clear $(VENV); }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

client/node_modules/installed: client/package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "Node.js 20 or later is needed." >&2; exit 1; }
	cd client && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(STATIC): client/node_modules/installed $(shell find client/src client/*.html client/finish.js client/package.json client/vite.config.ts client/tsconfig.json 2>/dev/null)
	cd client && npm run --silent build
	@touch $@
