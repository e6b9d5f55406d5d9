# Everything happens in .venv, which the first target that needs it makes, with the versions of
# requirements/lock.txt. The core is compiled into nnce_cli/_core, and again where core/ changed.

PYTHON ?= python3
LOCK ?= --constraint requirements/lock.txt
VENV := .venv
BIN := $(VENV)/bin
BUILT := $(VENV)/.built
INSTALLED := $(VENV)/.installed
TOOLS := $(VENV)/.tools
FUZZER := $(VENV)/.fuzzer
STUDY := $(VENV)/.study
DOCS := $(VENV)/.docs
SANITIZED := $(VENV)/.sanitized
CORE := CMakeLists.txt $(shell find core -name '*.[ch]pp')

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(LOCK)
# The package in place, and without its core, which is compiled by the targets below.
EDITABLE := $(PIP) --no-build-isolation --config-settings=editable.mode=inplace \
	--config-settings=wheel.cmake=false --config-settings=wheel.platlib=true --editable
CMAKE := PATH="$(abspath $(BIN)):$$PATH" scripts/with-compiler $(abspath $(BIN)/python) cmake
CONFIGURE := $(CMAKE) -S . -G Ninja --log-level=WARNING -DCMAKE_INSTALL_MESSAGE=NEVER \
	-DCMAKE_COMPILE_WARNING_AS_ERROR=$(if $(CI),ON,OFF) \
	-DPython_EXECUTABLE=$(abspath $(BIN)/python)
# The stub of one build is that of all.
STUBGEN = $(BIN)/python -m nanobind.stubgen --quiet --module \
	$$($(BIN)/python -c 'from nnce_cli import _core; print(_core.MODULE)')
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= onnx domain table journal proof
SANITIZED_TESTS ?= tests/core tests/enumeration

.PHONY: help run test test-all test-latest test-sanitized fuzz lint lock wheel stub bench bench-compare \
	bench-peers bench-growth bench-hundred-million bench-page study study-small docs clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run: $(BUILT) ## Enumerate a trained sample network and print its statistics
	$(BIN)/nnce enumerate sample_models/toy-2d.onnx --force
	$(BIN)/nnce stats toy-2d.cells.parquet

test: $(TOOLS) $(BUILT) ## Run the fast tests, with a quarter of the drawn examples
	NNCE_EXAMPLES=0.25 $(BIN)/python -m pytest -n 2 -m "not slow"

test-all: $(TOOLS) $(BUILT) ## Run all tests
	$(BIN)/python -m pytest -n 2

test-latest: ## Run the fast tests with the newest versions of everything, in build/latest
	rm -rf build/latest
	mkdir -p build/latest
	git ls-files -z --cached --others --exclude-standard | tar -c --null -T - | tar -x -C build/latest
	$(MAKE) -C build/latest LOCK= test

test-sanitized: $(TOOLS) $(BUILT) $(SANITIZED) ## Run the tests of the walks with checks of memory
	NNCE_EXAMPLES=0.34 NNCE_CPU=sanitized ASAN_OPTIONS=detect_leaks=0,allocator_may_return_null=1 \
	UBSAN_OPTIONS=print_stacktrace=1 \
	LD_PRELOAD="$$(g++ -print-file-name=libasan.so) $$(g++ -print-file-name=libstdc++.so)" \
	$(BIN)/python -m pytest -n 2 --capture=sys -m "not slow" $(SANITIZED_TESTS)

fuzz: $(FUZZER) $(BUILT) ## Fuzz the readers of files with coverage, FUZZ_SECONDS each, in build/fuzz
	@mkdir -p build/fuzz; for target in $(FUZZ_TARGETS); do \
		echo "$$target"; \
		$(BIN)/python -m tests.fuzz $$target build/fuzz/$$target $(FUZZ_SECONDS) \
			2> build/fuzz/$$target.log || { tail -40 build/fuzz/$$target.log; exit 1; }; \
		grep number_of_executed_units build/fuzz/$$target.log; \
	done

lint: $(TOOLS) $(BUILT) ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(STUBGEN) --output-file build/stub.pyi
	diff nnce_cli/_core/stub.pyi build/stub.pyi  # else: make stub
	$(BIN)/mypy
	find core -name '*.[ch]pp' | xargs $(BIN)/clang-format --dry-run --Werror
	$(BIN)/clang-tidy --quiet -p build/core core/cpu.cpp core/bindings.cpp

# Not the extra `export`: PyTorch is for those who have it.
lock: $(INSTALLED) ## Write requirements/lock.txt: the newest versions that go together
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--extra test --extra lint --extra fuzz --extra docs --extra topology \
		--custom-compile-command "make lock" --output-file requirements/lock.txt \
		pyproject.toml requirements/build.in requirements/compiler.in

wheel: $(INSTALLED) ## Make a wheel in dist/, and try it in an environment of its own
	rm -rf dist build/wheel
	scripts/with-compiler $(abspath $(BIN)/python) \
		$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	$(PYTHON) -m venv build/wheel
	build/wheel/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	build/wheel/bin/nnce enumerate sample_models/hand-made.onnx --count-only --quiet

stub: $(BUILT) ## Write the stub of the core's names, for type checkers
	$(STUBGEN) --output-file nnce_cli/_core/stub.pyi

bench: $(TOOLS) $(BUILT) ## Measure the enumeration against the floor and others; keep the result
	$(BIN)/python -m benchmarks.bench
	$(BIN)/python -m benchmarks.page

bench-compare: $(TOOLS) ## Show the last two measured states side by side
	$(BIN)/python -m benchmarks.compare

bench-peers: ## Install the programs to compare with into .venv-peers
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check relucent

bench-growth: $(TOOLS) $(BUILT) ## Measure the growth of the time with the cells
	$(BIN)/python -m benchmarks.growth
	$(BIN)/python -m benchmarks.page

bench-hundred-million: $(TOOLS) $(BUILT) ## Count 10^8 cells with two workers
	$(BIN)/python -m benchmarks.hundred_million
	$(BIN)/python -m benchmarks.page

bench-page: $(TOOLS) ## Write docs/performance.md from what was measured
	$(BIN)/python -m benchmarks.page

study: $(STUDY) $(BUILT) ## Train, enumerate, and write docs/findings.md; goes on where it was stopped
	$(BIN)/python -m experiments.study

study-small: $(STUDY) $(BUILT) ## The study with a few small networks, in build/study-small
	$(BIN)/python -m experiments.study --small

docs: $(DOCS) $(BUILT) ## Build the documentation into build/site; broken links are errors
	$(BIN)/python docs/make_cli.py
	$(BIN)/python docs/make_json.py
	$(BIN)/python docs/make_rooms.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean: ## Remove the virtual environment and all caches
	rm -rf $(VENV) .venv-peers build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis nnce_cli/_core/*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml requirements/build.in requirements/lock.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed; try make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --requirement requirements/build.in
	$(EDITABLE) '.[plot]'  # for README's first picture
	touch $@

$(BUILT): $(INSTALLED) $(CORE)
	$(CONFIGURE) -B build/core
	$(CMAKE) --build build/core
	$(CMAKE) --install build/core --prefix .
	touch $@

$(SANITIZED): $(INSTALLED) $(CORE)
	$(CONFIGURE) -B build/sanitized -DNNCE_SANITIZED=ON
	$(CMAKE) --build build/sanitized
	$(CMAKE) --install build/sanitized --prefix .
	touch $@

$(TOOLS): $(INSTALLED)
	$(EDITABLE) '.[test,lint]'
	touch $@

$(FUZZER): $(INSTALLED)
	$(EDITABLE) '.[fuzz]'
	touch $@

$(DOCS): $(INSTALLED)
	$(EDITABLE) '.[docs]'
	touch $@

$(STUDY): $(INSTALLED)
	$(EDITABLE) '.[study]'
	touch $@
