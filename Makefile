# One target per intent. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --no-compile --require-hashes --no-deps --disable-pip-version-check
HOUSEHOLDS ?= 250
BENCH ?= ingest append projecting reading sealing
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help env demo test test-fast test-slow bench check fmt schemas locks clean

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

env: $(STAMP) ## build the environment from the locks

$(STAMP): requirements/runtime.txt requirements/dev.txt requirements/demo.txt pyproject.toml
	@echo "Building the environment in $(VENV) from the hash-checked locks ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements/runtime.txt -r requirements/dev.txt
	@$(PIP) -r requirements/demo.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --disable-pip-version-check --editable .
	@touch $@

demo: env ## import real purchases, serve them, show them (HOUSEHOLDS=all for the whole set)
	@$(BIN)/backbone demo --households $(HOUSEHOLDS) $(if $(DEMO_EXIT),--exit)

test: env ## run every test but the slow ones
	@echo "Running every test but the slow ones, on a real PostgreSQL of its own ..."
	@$(BIN)/pytest -m "not slow"

test-fast: env ## run unit and property tests, under a minute
	@echo "Running the unit and property tests ..."
	@$(BIN)/pytest tests/unit tests/property -m "not slow"

test-slow: env ## run the slow tests: the full data set
	@$(BIN)/pytest -m slow

bench: env ## measure: ingest, append, projecting, reading, sealing, each against a peer (BENCH=reading for one)
	@for each in $(BENCH); do $(BIN)/python -m benchmarks.$$each || exit 1; done

check: env ## lint, types, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

fmt: env ## format and mend what can be mended
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

schemas: env ## write the published JSON Schemas anew
	@$(BIN)/backbone schemas publish

locks: ## compile the requirement locks anew (needs uv)
	uv pip compile -q pyproject.toml --extra import --universal --python-version 3.11 --generate-hashes --no-header -o requirements/runtime.txt
	uv pip compile -q --group dev -c requirements/runtime.txt --universal --python-version 3.11 --generate-hashes --no-header -o requirements/dev.txt
	uv pip compile -q --group demo --no-deps --universal --python-version 3.11 --generate-hashes --no-header -o requirements/demo.txt

clean: ## remove the environment and what tools left behind
	rm -rf $(VENV) dist build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
