# make demo | test | test-fast | test-all | test-optimized | test-gpu | lint | bench | docs | docs-check | clean
# The first call creates .venv with pip; later calls reinstall only when pyproject.toml has changed.

PYTHON ?= python3
# Further arguments of pytest, such as PYTEST_ARGS='-k conv'.
PYTEST_ARGS ?=
# Arguments of benchmarks/bench.py.
BENCH_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
SOURCES := src tests docs $(wildcard benchmarks) $(wildcard examples)
# One process per core, at most 4: every process compiles its own JAX functions.
CORES := $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 1)
WORKERS := $(shell test $(CORES) -gt 4 && echo 4 || echo $(CORES))
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

.PHONY: demo test test-fast test-all test-optimized test-gpu lint bench docs docs-check clean

demo: $(VENV)/.installed-demo
	$(BIN)/cornu demo

# Required for every change. tests/README.md lists what --sample leaves out.
test: lint test-fast

test-fast: $(VENV)/.installed-dev
	$(PYTEST) --sample $(PYTEST_ARGS)

test-all: lint test-optimized
	$(PYTEST) $(PYTEST_ARGS)

# The tests that depend on XLA's optimizations, which the other tests disable.
test-optimized: $(VENV)/.installed-dev
	XLA_FLAGS= $(PYTEST) tests/backends/jax/test_backend.py tests/training/test_fast_paths.py

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/bench.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/bench_steps.py
	$(BIN)/python benchmarks/bench_text.py
	$(BIN)/python benchmarks/bench_augmentation.py
	$(BIN)/python benchmarks/bench_applications.py
	$(BIN)/python benchmarks/profile_depthwise.py

# The tests that need an accelerator: run if there is one, otherwise listed and skipped.
test-gpu: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m gpu -rs -v $(PYTEST_ARGS)

docs: $(VENV)/.installed-dev
	$(BIN)/python docs/conformance.py
	$(BIN)/python docs/compatibility.py
	$(BIN)/python docs/mistakes.py

docs-check: $(VENV)/.installed-dev
	$(PYTEST) tests/test_documents.py tests/test_architecture.py tests/test_language.py $(PYTEST_ARGS)

clean:
	rm -rf $(VENV) dist build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# `cornu[dev]` includes `cornu[demo]`, so either installation satisfies the demo.
$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $(VENV)/.installed-demo $@

$(VENV)/.installed-demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[demo]"
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Cornu needs Python 3.11 or newer, and '$(PYTHON)' is not: run make PYTHON=/path/to/python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
