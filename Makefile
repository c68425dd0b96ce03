# The vocabulary for people and CI. `make help` lists what people use, `make help-all` everything.
# The targets are in scripts/, by subject; what several subjects share is here.

PYTHON ?= python3
CHROMIUM ?= chromium
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --quiet --disable-pip-version-check
STATIC := relay/web/static/index.html
CORE := relay/native
LOAD := tests/load
CORE_SOURCES := $(shell find $(CORE)/src $(CORE)/Cargo.toml $(CORE)/Cargo.lock -type f)

# rustup puts its tools in ~/.cargo/bin without telling shells that run already, and Debian keeps nginx, haproxy and ip where
# only root looks. A Node.js of our own (scripts/setup.mk) comes before one that is too old.
MACHINE_PATH := $(subst $(CURDIR)/$(VENV)/node:,,$(PATH)):$(HOME)/.cargo/bin:/usr/sbin:/sbin
export PATH := $(CURDIR)/$(VENV)/node:$(MACHINE_PATH)

# Tests start servers by the hundred, and each would compile all of its modules anew.
unexport PYTHONDONTWRITEBYTECODE

LEAVES := $(addprefix scripts/,setup.mk test.mk measure.mk security.mk package.mk)

.DEFAULT_GOAL := help
.PHONY: help help-all

# Lines such as `target: prerequisites ## What it does`, under the first line of the file they are in.
LIST = awk -F ':.* $(1) ' 'FNR == 1 { title = substr($$0, 3) } /^[a-z-]+:.* $(1) / { \
	if (title) print (NR == FNR ? "" : "\n") title; title = ""; printf "  make %-16s %s\n", $$1, $$2 }' $(LEAVES)

help: # What people use
	@$(call LIST,##)

help-all: # What people use, and everything behind it
	@$(call LIST,##?)

include $(LEAVES)
