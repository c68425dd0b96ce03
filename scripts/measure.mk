# Measure

.PHONY: bench bench-quick bench-peers bench-throughput bench-crowd bench-joins bench-pauses bench-sockets bench-store soak overload upgrade-drill \
	measure measure-skips measure-loss measure-page measure-narrow

bench: core ## Relay, the kernel's floor and coturn in one run; JSON=FILE keeps it
	$(BIN)/python -m tests.bench $(if $(JSON),--json $(JSON))

bench-quick: core # The same in under 90 s
	$(BIN)/python -m tests.bench --quick $(if $(JSON),--json $(JSON))

bench-peers: core # Pion and LiveKit beside ours, the floor and coturn (tests/bench/peers); needs Go; JSON=FILE keeps it
	$(BIN)/python -m tests.bench.peers $(if $(JSON),--json $(JSON))

bench-throughput: core # How much passes before any of it is lost, with one media thread and with two
	$(BIN)/python -m tests.bench.throughput

bench-crowd: core ## A thousand people who talk for a minute on two cores; fails if they are lost, or much of what they say
	$(BIN)/python -m tests.bench.crowd

bench-joins: core # What joining costs, one by one and 400 at once; OTHER=FOLDER takes turns with another checkout
	$(BIN)/python -m tests.bench.joins $(OTHER)

bench-sockets: $(VENV)/installed # What ten thousand idle visitors cost
	$(BIN)/python -m tests.bench.sockets

bench-pauses: core # How long garbage collection stops the event loop with 5,000 people; fails above 20 ms
	$(BIN)/python -m tests.bench.pauses

bench-store: core # The database under load, and away for a minute under 200 people; PART=lag or PART=away for one of them
	$(BIN)/python -m tests.bench.store_under_load $(PART)

soak: core ## Churn: 100,000 pairs meet, part, lose their connections and come back; nothing may be left behind
	$(BIN)/python -m tests.bench.soak

overload: core # Past capacity: what those inside lose, and how soon newcomers are refused
	$(BIN)/python -m tests.bench.overload

upgrade-drill: $(VENV)/installed # How soon people talk again when another server takes the place of one that ends
	$(BIN)/python -m tests.bench.upgrade

measure: $(VENV)/installed $(STATIC) chromium ## How soon strangers see each other, and what a pair costs
	$(BIN)/python -m tests.bench.first_frame

measure-skips: $(VENV)/installed $(STATIC) chromium # Press Next 200 times: how soon somebody else is there, and that nothing stalls or grows
	$(BIN)/python -m tests.bench.skips

measure-loss: core $(STATIC) chromium ## What people see when packets are lost on the way
	$(BIN)/python -m tests.bench.bad_links

measure-narrow: core $(STATIC) chromium # How senders follow a link that becomes narrow and wide again
	$(BIN)/python -m tests.bench.narrow_links

measure-page: $(VENV)/installed $(STATIC) chromium # What the first load weighs, and how soon something is seen on a slow link
	$(BIN)/python -m tests.bench.first_load
