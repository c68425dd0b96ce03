# Security

.PHONY: fuzz cargo-fuzz audit cargo-audit attacks

FUZZ_SECONDS ?= 600
# What reaches something new, hundreds of files in minutes: what is worth keeping is taken to the corpus by hand.
FOUND := $(CURDIR)/target/fuzz
FUZZ_TARGETS := $(basename $(notdir $(wildcard $(CORE)/fuzz/fuzz_targets/*.rs)))

fuzz: $(VENV)/installed cargo-fuzz ## Fuzz every parser, ten minutes each (FUZZ_SECONDS=...)
	$(BIN)/python -m tests.hostile.fuzz --seconds $(FUZZ_SECONDS)
	cd $(CORE) && for target in $(FUZZ_TARGETS); do mkdir -p $(FOUND)/$$target && \
		cargo fuzz run --sanitizer none $$target $(FOUND)/$$target fuzz/corpus/$$target -- \
		-max_total_time=$(FUZZ_SECONDS) || exit 1; done

audit: $(VENV)/installed client/node_modules/installed cargo-audit ## Look for known vulnerabilities in what we depend on
	$(BIN)/python -m tests.hostile.audit

attacks: core $(STATIC) chromium ## Attack calls, pages and sessions class by class, and print rates, CPU, memory and who still got in
	$(BIN)/python -m tests.bench.attacks
	$(BIN)/python -m tests.bench.attacks --engine frames --audience visitors --rate 20000
	$(BIN)/python -m tests.bench.siege

cargo-fuzz: rust # The stable toolchain is enough without a sanitizer: what is fuzzed has no `unsafe`
	@command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz

cargo-audit: rust # Without it `make audit` says what it could not ask
	@command -v cargo-audit >/dev/null || cargo install --quiet --locked cargo-audit || true
