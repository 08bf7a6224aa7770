# Needs python3 (3.11 or newer) and pip, nothing else; `make help` lists the targets.
# Another interpreter or place: make test PYTHON=python3.13 VENV=.venv-313

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip
# For a part of the tests: make test ARGS="tests/divergences -k pearson"
ARGS ?=
# Compiling fills most of the tests' time and little of a second core.
JOBS ?= 2

DEMO := $(VENV)/.installed-cli
DEV := $(VENV)/.installed-dev
PINS := pyproject.toml constraints.txt

.PHONY: help demo test test-all lint bench clean
.DEFAULT_GOAL := help
.NOTPARALLEL:

help:
	@echo "make demo      install, then estimate on known distributions and real data"
	@echo "make test      install, then run the fast tests"
	@echo "make test-all  install, then run every test, the slow ones included"
	@echo "make lint      ruff (lint and format) and basedpyright"
	@echo "make bench     measure speed against plain loops, and the cost of more seeds"
	@echo "make clean     remove $(VENV), caches and build leftovers"

demo: $(DEMO)
	$(BIN)/jaxinfo demo $(ARGS)

test: $(DEV)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not slow" $(ARGS)

test-all: $(DEV)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python

bench: $(DEMO)
	$(BIN)/python -m experiments.bench $(ARGS)

clean:
	rm -rf "$(VENV)" .cache .pytest_cache .ruff_cache .hypothesis build dist
	find jaxinfo experiments tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit( \
	  "jaxinfo needs Python 3.11 or newer; $(PYTHON) is %d.%d. Name another: make PYTHON=python3.12" % v[:2])'
	@# Some Linux distributions split venv's own pip off from python3.
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	  $(PYTHON) -m venv --clear --without-pip $(VENV) && \
	  $(PYTHON) -m pip --disable-pip-version-check --python $(BIN)/python install --quiet pip; }

# The demo's packages are a part of the developer's, so the larger stamp does for both.
$(DEMO): $(PINS) | $(BIN)/python
	@echo "Installing jaxinfo into $(VENV) (a minute or two, once) ..."
	@$(PIP) install --quiet -c constraints.txt -e ".[cli]"
	@touch $@

$(DEV): $(PINS) | $(BIN)/python
	@echo "Installing jaxinfo and its development tools into $(VENV) (a minute or two, once) ..."
	@$(PIP) install --quiet -c constraints.txt -e ".[dev]"
	@touch $(DEMO) $@
