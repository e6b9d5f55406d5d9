# Everything happens in .venv, which the first target that needs it makes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TOOLS := $(VENV)/.tools
STUDY := $(VENV)/.study

.PHONY: help run test test-all lint bench bench-compare bench-peers bench-growth \
	bench-hundred-million bench-page study study-small docs kernels clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run: $(INSTALLED) ## Enumerate a trained sample network and print its statistics
	$(BIN)/nnce enumerate sample_models/toy-2d.onnx --force
	$(BIN)/nnce stats toy-2d.cells.parquet

test: $(TOOLS) kernels ## Run the fast tests
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: $(TOOLS) kernels ## Run all tests
	$(BIN)/python -m pytest -n 2

lint: $(TOOLS) ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(TOOLS) kernels ## Measure the enumeration against the floor and others; keep the result
	$(BIN)/python -m benchmarks.bench
	$(BIN)/python -m benchmarks.page

bench-compare: $(TOOLS) ## Show the last two measured states side by side
	$(BIN)/python -m benchmarks.compare

bench-peers: ## Install the programs to compare with into .venv-peers
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check relucent

bench-growth: $(TOOLS) kernels ## Measure the growth of the time with the cells
	$(BIN)/python -m benchmarks.growth
	$(BIN)/python -m benchmarks.page

bench-hundred-million: $(TOOLS) kernels ## Count 10^8 cells with two workers
	$(BIN)/python -m benchmarks.hundred_million
	$(BIN)/python -m benchmarks.page

bench-page: $(TOOLS) ## Write docs/performance.md from what was measured
	$(BIN)/python -m benchmarks.page

study: $(STUDY) kernels ## Train, enumerate, and write docs/findings.md; goes on where it was stopped
	$(BIN)/python -m experiments.study

study-small: $(STUDY) kernels ## The study with a few small networks, in build/study-small
	$(BIN)/python -m experiments.study --small

kernels: $(INSTALLED) ## Compile the kernels, once, so that no test or measurement does
	@$(BIN)/nnce enumerate sample_models/toy-2d.onnx --count-only --quiet > /dev/null

docs: $(INSTALLED) ## Write docs/cli.md from the help texts
	$(BIN)/python docs/make_cli.py

clean: ## Remove the virtual environment and all caches
	rm -rf $(VENV) .venv-peers build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed; try make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(TOOLS): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	touch $@

$(STUDY): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[study]'
	touch $@
