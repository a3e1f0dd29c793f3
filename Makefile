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

.PHONY: help reproduce site test test-all faults notebooks train regimes bench lab lint format lock clean distclean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*  ## /\1\t/' | expand -t 12

reproduce: $(READY)  ## run all notebooks on Pictogram-16 into build/: tables, figures/, the site
	@ls notebooks/[0-9]*.ipynb | grep -v 10_claims | $(EACH) $(BIN)/shapebias run
	@$(BIN)/shapebias run 10_claims
	@$(BIN)/shapebias site

site: $(READY)  ## the HTML companion under build/site, from what the notebooks left; nothing is run
	@$(BIN)/shapebias site

test: $(READY)  ## pytest, every cell of every notebook (nbval), the browser test if Chromium is there
	@$(PYTEST) $(TESTS) </dev/null

test-all: $(READY)  ## the same with the slow tests
	@$(PYTEST) -m "" $(TESTS) </dev/null

FAULTS = kills surroundings many_processes without_network fuzz
faults: $(READY)  ## kill, starve and feed badly whatever writes and reads, and count anew (an hour)
	@SHAPEBIAS_RENEW=1 $(ONE_THREAD) $(BIN)/python -m pytest -q -m slow $(FAULTS:%=tests/test_%.py)

notebooks: $(READY)  ## run all notebooks and keep all their new outputs and figures, moved or not, for committing
	@ls notebooks/[0-9]*.ipynb | grep -v 10_claims | $(EACH) $(BIN)/shapebias run --update
	@$(BIN)/shapebias run 10_claims --update
	@$(BIN)/python -m shapebias_utils.site.readme

train: $(READY)  ## train all pictogram networks of one seed (SEED=0), going on where it stopped
	@printf '%s\n' GoogLeNet ResNet AlexNet | \
		$(EACH) $(BIN)/shapebias train --seed $(SEED) --all --architecture

regimes: $(READY)  ## train the further regimes of one seed (SEED=0) and keep their points (an hour)
	@printf '%s\n' ResNet AlexNet | \
		$(EACH) $(BIN)/shapebias train --seed $(SEED) --regimes --architecture
	@$(BIN)/shapebias study routes

bench: $(READY)  ## timings side by side with plain and other implementations, as data/results/bench.csv
	@$(ONE_THREAD) $(BIN)/python benchmarks/run.py

lab: $(READY)  ## JupyterLab on the notebooks
	$(BIN)/jupyter lab notebooks/00_start_here.ipynb

lint: $(READY)  ## ruff, notebooks included
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)  ## let ruff sort the imports and lay out the code
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

lock:  ## renew requirements.lock for changed dependencies (needs uv); versions stay where they can
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --extra dev --extra site \
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
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock; \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
		$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
			echo "$(PYTHON) has no venv module; on Debian or Ubuntu: apt-get install python3-venv" >&2; \
			exit 1; }; \
		set -ex; \
		$(PYTHON) -m venv $(VENV); \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
			-r requirements.lock; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
			--no-build-isolation -e .; \
	fi
	@touch $@
