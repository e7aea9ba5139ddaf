# make run    open the explorer          make check   lint, types, import rules
# make test   run the tests              make bench   measure speed, write bench.json
# make clean  remove what the others made
#
# Each makes the environment first, in .venv, once, and again when pyproject.toml changes.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

.PHONY: run test check bench clean system
.DEFAULT_GOAL := run

run: $(VENV)/.installed system
	$(BIN)/python -m vae_explorer $(ARGS)

test: $(VENV)/.installed-dev system
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.installed-dev
	$(BIN)/python -m tests.benchmarks --json bench.json --plot bench.png $(ARGS)

# The libraries that Qt needs of the system: root on Debian gets them, others the command.
system: $(VENV)/.installed
	@$(BIN)/python -m vae_explorer.gui.preflight --install

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "VAE Explorer needs Python 3.11 or newer: run make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || { \
	  echo "Python's venv module is missing: on Debian, apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV); torch makes this take some minutes the first time."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist bench.json bench.png .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find vae_explorer tests -name __pycache__ -type d -prune -exec rm -rf {} +
