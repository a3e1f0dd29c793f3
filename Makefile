# Two commands on a fresh machine with Python 3.11 or later: `make reproduce`, `make test`.
# `make help` lists the others.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
AT_LEAST := import sys; sys.exit(sys.version_info < (3, 11))

# The first Python that is new enough; PYTHON=... on the command line chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$p -c '$(AT_LEAST)' 2>/dev/null && echo $$p && break; done)

SEED ?= 0
JOBS ?= 2
# The notebooks first: 01 takes longest, and would else keep one core busy at the end.
TESTS ?= notebooks tests

# Processes of one thread each use the cores best; with more threads they get in each other's way.
ONE_THREAD = OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
EACH = $(ONE_THREAD) xargs -P $(JOBS) -n 1

# A notebook is one piece of work: its cells need each other's kernel.
PYTEST = $(ONE_THREAD) SHAPEBIAS_FIGURES=$(CURDIR)/build/test/figures \
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder --nbval -rfEs

.PHONY: help reproduce test test-all notebooks train bench lab lint format lock clean distclean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*  ## /\1\t/' | expand -t 12

reproduce: $(READY)  ## run all notebooks on Pictogram-16: tables and figures/, executed copies and HTML under build/
	@ls notebooks/[0-9]*.ipynb | $(EACH) $(BIN)/shapebias run --html

test: $(READY)  ## pytest, every cell of every notebook (nbval), the browser test if Chromium is there
	@$(PYTEST) $(TESTS) </dev/null

test-all: $(READY)  ## the same with the slow tests
	@$(PYTEST) -m "" $(TESTS) </dev/null

notebooks: $(READY)  ## run all notebooks and keep all their new outputs and figures, moved or not, for committing
	@ls notebooks/[0-9]*.ipynb | $(EACH) $(BIN)/shapebias run --update

train: $(READY)  ## train all pictogram networks of one seed (SEED=0), going on where it stopped
	@printf '%s\n' GoogLeNet ResNet AlexNet | \
		$(EACH) $(BIN)/shapebias train --seed $(SEED) --all --architecture

bench: $(READY)  ## timings side by side with plain and other implementations
	@for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python "$$file" || exit 1; done

lab: $(READY)  ## JupyterLab on the notebooks
	$(BIN)/jupyter lab notebooks/00_start_here.ipynb

lint: $(READY)  ## ruff, notebooks included
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)  ## let ruff sort the imports and lay out the code
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

lock:  ## renew requirements.lock for changed dependencies (needs uv); versions stay where they can
	uv pip compile --quiet --universal --python-version 3.11 --extra dev \
		--custom-compile-command "make lock" pyproject.toml -o requirements.lock

clean:  ## remove what was built and the tools' caches; data and .venv stay
	rm -rf build .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . \( -path ./$(VENV) -o -path ./.git -o -path ./data \) -prune -o \
		\( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

distclean: clean  ## clean, and remove .venv
	rm -rf $(VENV)

# Built once, and again when the lock or the metadata change. Interrupted, it goes on next time.
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(AT_LEAST)' || { \
		echo "Python 3.11 or later is needed; install it, or name it: make PYTHON=/path/to/python3.11" >&2; \
		exit 1; }
	@if command -v uv >/dev/null; then \
		set -ex; \
		uv venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" $(VENV); \
		uv pip install --quiet --python $(BIN)/python -r requirements.lock; \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
		$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
			echo "$(PYTHON) has no venv module; on Debian or Ubuntu: apt-get install python3-venv" >&2; \
			exit 1; }; \
		set -ex; \
		$(PYTHON) -m venv $(VENV); \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
			--no-build-isolation -e .; \
	fi
	@touch $@
