# Two commands for users: `make demo` and `make test`. Each sets up all it needs in .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SCENARIO ?= 5xx
PORT     ?= 8765

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow check lock bench clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

$(VENV)/demo: requirements/sandbox.txt pyproject.toml sandbox/pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	@echo "Setting up $(VENV): about a minute the first time; nothing is installed outside it."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/sandbox.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . -e ./sandbox
	@touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/demo
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(VENV)/demo ## play an incident in a local Slack and AWS: make demo [SCENARIO=5xx] [PORT=8765]
	@$(BIN)/incident demo $(SCENARIO) --port $(PORT)

test: $(VENV)/dev ## the tests, the browser story included where Chromium is found
	$(BIN)/pytest -n 2 --dist loadgroup

test-slow: $(VENV)/dev ## the tests that break things under a running bot, left out of `make test`
	$(BIN)/pytest -n 2 --dist loadgroup -m slow

check: $(VENV)/dev ## format, lint, types, layer contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev ## the benchmarks, as ratios (benchmarks/README.md)
	$(BIN)/python -m benchmarks

COMPILE = uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-emit-package incident-helper --group build

lock: ## pin every dependency, with hashes, from the two pyproject.toml
	$(COMPILE) pyproject.toml -o requirements/run.txt
	$(COMPILE) pyproject.toml sandbox/pyproject.toml -o requirements/sandbox.txt
	$(COMPILE) --group dev pyproject.toml sandbox/pyproject.toml -o requirements/dev.txt

clean: ## remove what was set up here
	rm -rf $(VENV) .state
