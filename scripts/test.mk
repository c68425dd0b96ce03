# Test

.PHONY: lint test test-all test-built loadgen test-client test-core test-load test-unit test-scenario test-pages test-browser test-monitoring \
	test-network test-long-calls test-idle guard test-lossy-links test-blocked-udp fire-alerts truth \
	firefox network chromium coturn postgresql proxies systemd promtool valgrind containers

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

# Network namespaces and raw sockets are for root alone: anybody else is told at the start, and again at the end, what is left out.
IS_ROOT := $(filter 0,$(shell id -u))
FORGED := tests/hostile/test_forged_addresses.py
UNFORGED := $(if $(IS_ROOT),,--ignore $(FORGED))

test: ready core test-built test-unit test-monitoring test-scenario test-load test-pages $(if $(IS_ROOT),test-blocked-udp) test-lossy-links ## Everything that must hold before a change lands
	@test -n "$(IS_ROOT)" || echo "Left out, since they need root: make test-blocked-udp, and $(FORGED)" >&2

test-all: test test-browser ## The same, and what takes two engines or more time
	$(BIN)/pytest -q --hypothesis-profile long tests/unit tests/contract
	$(BESIDE) --engine frames -m 'not alone' tests/scenario tests/hostile $(UNFORGED)
	$(BIN)/pytest -q --engine frames -m alone tests/scenario tests/hostile $(UNFORGED)
	$(BIN)/pytest -q --engine frames tests/browser

# What compiles and checks, and looks at no clock: two at a time, since each has stretches in which it keeps one core busy.
test-built: $(VENV)/installed client/node_modules/installed rust
	@$(MAKE) --no-print-directory -j2 --output-sync=target loadgen lint test-core test-client guard

loadgen: rust # People who are played, for tests and measurements
	cargo build --quiet --locked --manifest-path $(LOAD)/Cargo.toml

# Most of these tests wait for timeouts and processes, so several run beside each other. Those that measure how long
# somebody waits are marked `alone` and come afterwards.
BESIDE := $(BIN)/pytest -q -n 4 --dist worksteal

# These compute as much as they wait, and browsers most of all.
TWO := $(BIN)/pytest -q -n 2 --dist worksteal

test-unit: $(VENV)/installed postgresql ## Python without a browser or a network: unit and contract tests
	$(TWO) tests/unit tests/contract

test-scenario: core $(STATIC) loadgen chromium coturn proxies systemd ## Whole servers, coturn and proxies, and attacks on them
	$(BESIDE) -m 'not slow and not alone' tests/scenario tests/hostile $(UNFORGED)
	$(BIN)/pytest -q -m 'alone and not slow' tests/scenario tests/hostile $(UNFORGED)

test-browser: $(VENV)/installed $(STATIC) chromium proxies ## Real browsers in every state that the page has
	$(BIN)/pytest -q tests/browser

test-network: $(VENV)/installed $(STATIC) chromium network firefox ## Real browsers behind hostile networks (as root)
	$(BIN)/pytest -q tests/network -m 'not slow'

test-client: client/node_modules/installed # The client's own tests
	cd client && npm run --silent test

# Make passes its jobserver on to recipes that call make, and names it to all: rustdoc looks for it and warns.
CARGO_TEST := MAKEFLAGS= cargo test --quiet --locked

test-core: rust # The native core's own tests
	$(CARGO_TEST) --manifest-path $(CORE)/Cargo.toml

test-load: core $(STATIC) chromium # The load generator's own tests, and short runs of what it does
	$(CARGO_TEST) --manifest-path $(LOAD)/Cargo.toml
	$(TWO) -m 'not alone' $(LOAD)
	$(BIN)/pytest -q -m alone $(LOAD)

test-pages: $(VENV)/installed $(STATIC) chromium proxies # Real browsers, without what is slow
	$(TWO) -m 'not slow and not alone' tests/browser
	$(BIN)/pytest -q -m 'alone and not slow' tests/browser

guard: core rust valgrind # Fail if a packet or a join takes more instructions than noted; NOTE=1 notes them, KEEP=FOLDER keeps what callgrind wrote
	@$(BIN)/python -m tests.bench.guard $(if $(NOTE),--note) $(if $(KEEP),--keep $(KEEP))

test-monitoring: $(VENV)/installed promtool # Fire every alert on made-up figures, with Prometheus's own tool
	promtool check config docker/prometheus/prometheus.yml
	promtool test rules docker/prometheus/rules_test.yml
	amtool check-config docker/alertmanager/alertmanager.yml
	$(TWO) tests/monitoring

test-idle: $(VENV)/installed $(STATIC) proxies # Say nothing for ten minutes behind every proxy of docker/proxies, and then something
	$(BIN)/pytest -q tests/scenario/test_idle_behind_proxies.py

test-lossy-links: $(VENV)/installed $(STATIC) chromium # Two browsers behind links that lose packets or become narrow
	$(BIN)/pytest -q tests/network/test_bad_links.py tests/network/test_narrow_links.py -k one_

test-long-calls: $(VENV)/installed $(STATIC) chromium network firefox # Say nothing for eleven minutes behind a proxy that lasts one, in real browsers (as root)
	$(BIN)/pytest -q tests/network/test_long_calls.py

test-blocked-udp: $(VENV)/installed $(STATIC) chromium network # Two browsers where UDP is blocked, or all but TLS (as root)
	$(BIN)/pytest -q tests/network/test_everywhere.py tests/network/test_turn_inside.py -k 'udp_is_blocked or one_proxy'

fire-alerts: $(VENV)/installed promtool # Cause every alert's condition on a live server, and see Prometheus fire it (as root)
	$(BIN)/python -m tests.bench.fire

truth: core $(STATIC) promtool # Hold what the operator is told of 200 played people, some with loss, against what was played
	$(BIN)/python -m tests.bench.truth

# What tests need of the system: Debian's packages, installed as root. Anybody else is told what to install.

# For packages that bring a service: tests start their own, and one of the system's would keep the port and the machine busy.
define NO_SERVICES
if ! test -e /usr/sbin/policy-rc.d; then trap 'rm -f /usr/sbin/policy-rc.d' EXIT; \
	printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; fi;
endef

# $(call DEBIAN,packages,who needs them): installs them without starting anything, or says so.
define DEBIAN
{ if [ "$$(id -u)" = 0 ]; then $(NO_SERVICES) apt-get update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq \
		--no-install-recommends $(1) >/dev/null; \
	else echo "$(2) need Debian's packages $(1): install them and try again." >&2; exit 1; fi; }
endef

chromium:
	@command -v $(CHROMIUM) >/dev/null || $(call DEBIAN,chromium fonts-liberation,Browser tests)

firefox:
	@command -v firefox-esr >/dev/null && command -v pulseaudio >/dev/null || $(call DEBIAN,firefox-esr pulseaudio,Tests in Firefox)

network: # What the small internet is made of; namespaces are for root alone
	@test "$$(id -u)" = 0 || { echo "Network tests make network namespaces: run them as root." >&2; exit 1; }
	@for tool in ip nft sysctl turnserver curl; do command -v $$tool >/dev/null || lacking=yes; done; \
		test -z "$$lacking" || $(call DEBIAN,iproute2 nftables coturn curl procps,Network tests)

postgresql:
	@command -v pg_ctlcluster >/dev/null || $(call DEBIAN,postgresql,Tests of the database)

coturn:
	@command -v turnserver >/dev/null || $(call DEBIAN,coturn,TURN tests)

proxies:
	@for program in nginx haproxy caddy curl; do command -v $$program >/dev/null || lacking=yes; done; \
		test -e /usr/lib/nginx/modules/ngx_stream_module.so || lacking=yes; \
		test -z "$$lacking" || $(call DEBIAN,nginx-light libnginx-mod-stream haproxy caddy curl,Tests behind proxies)

systemd:
	@command -v systemd-analyze >/dev/null || $(call DEBIAN,systemd,Tests of the unit)

promtool:
	@command -v promtool >/dev/null && command -v amtool >/dev/null || \
		$(call DEBIAN,prometheus prometheus-alertmanager,Tests of alerts)

valgrind:
	@command -v valgrind >/dev/null && test -e /usr/include/valgrind/callgrind.h || $(call DEBIAN,valgrind,Counts of instructions)

containers:
	@for program in buildah podman runc debootstrap iptables; do command -v $$program >/dev/null || lacking=yes; done; \
		test -x /usr/lib/podman/aardvark-dns || lacking=yes; test -z "$$lacking" || \
		$(call DEBIAN,buildah podman netavark aardvark-dns runc debootstrap iptables,Tests of the container)
