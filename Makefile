# Every target does its own set-up: a bare machine needs only make and Python >= 3.11.
PYTHON ?= python3
JOBS ?= 2
PYTEST_ARGS ?=
NODES ?= 3

BIN := .venv/bin
READY := .venv/.ready
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
UV_PIP_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate \
	--custom-compile-command 'make lock'

SHA256 := $(or $(shell command -v sha256sum),shasum -a 256)

export UV_HTTP_TIMEOUT ?= 120

.PHONY: help setup demo demo-kafka test test-faults check fmt bench docs dist lock clean \
	kafka-up kafka-down kafka-status

help:
	@echo 'make demo    set up, then watch a province of 14 cities work'
	@echo 'make demo-kafka  the same through three real Kafka brokers'
	@echo 'make test    set up, then run every test (JOBS=2, PYTEST_ARGS=...)'
	@echo 'make test-faults break brokers, processes, disks and networks on purpose'
	@echo 'make check   formatting, lint, types, import rules'
	@echo 'make fmt     format the code'
	@echo 'make bench   measure, next to a peer on the same machine'
	@echo 'make kafka-up     start brokers on this machine (NODES=3 or 1)'
	@echo 'make kafka-status say how they are; make kafka-down stops them'
	@echo 'make docs    write the generated pages again'
	@echo 'make dist    wheel and sdist in dist/, the same bytes from every clone'
	@echo 'make lock    choose package versions again'
	@echo 'make setup   only the set-up: .venv with pinned, hashed packages'
	@echo 'make clean   remove .venv and caches'

setup: $(READY)

# A pinned uv and the build tools by pip, everything else by uv; each file's hash
# is checked, and nothing is built in a throw-away environment with unpinned tools.
$(READY): pyproject.toml requirements/bootstrap.txt requirements/locked.txt
	@echo 'set-up: .venv, pinned packages (downloads on the first run)'
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python >= 3.11 expected, found " + sys.version.split()[0] + ": make PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes -r requirements/bootstrap.txt
	@$(UV) --require-hashes --no-build-isolation -r requirements/locked.txt
	@$(UV) --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)
	@$(BIN)/license-ledger demo

demo-kafka: $(READY)
	@$(BIN)/license-ledger demo --kafka

test: $(READY)
	$(BIN)/pytest -n $(JOBS) --dist loadgroup $(PYTEST_ARGS)

test-faults: $(READY)
	LICENSE_LEDGER_REQUIRE_KAFKA=1 $(BIN)/pytest -n $(JOBS) --dist loadfile --faults \
		$(PYTEST_ARGS) tests/faults

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

fmt: $(READY)
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python -m bench

kafka-up: $(READY)
	@$(BIN)/python -m deploy.kafka up --nodes $(NODES)

kafka-down kafka-status: $(READY)
	@$(BIN)/python -m deploy.kafka $(@:kafka-%=%)

docs: $(READY)
	$(BIN)/python -m console.reference
	$(BIN)/python -m bench.sizing

# The same bytes from every clone of one commit: the only time in the archives is the
# commit's (or SOURCE_DATE_EPOCH), names are sorted, owners and modes made equal.
dist: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 1580601600)
dist: $(READY)
	rm -rf dist
	$(BIN)/python -m hatchling build
	cd dist && $(SHA256) * > SHA256SUMS && cat SHA256SUMS

lock: $(READY)
	$(UV_PIP_COMPILE) pyproject.toml --group test --group lint --group build \
		--output-file requirements/locked.txt
	$(UV_PIP_COMPILE) pyproject.toml --constraint requirements/locked.txt \
		--output-file requirements/runtime.txt
	printf 'hatchling\nsetuptools\nuv\n' | $(UV_PIP_COMPILE) - \
		--constraint requirements/locked.txt \
		--output-file requirements/bootstrap.txt

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache \
		.hypothesis .import_linter_cache
