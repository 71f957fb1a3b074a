# The commands people type. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup book test rerun sweep check bench lock clean

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The environment is made again whenever the lock or the package's metadata changes.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info[:2] <= (3, 13); \
	  sys.exit(0 if ok else f"Python 3.11, 3.12 or 3.13 is needed; $(PYTHON) is {sys.version.split()[0]}. Try: make book PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Could not make a virtual environment; your Python lacks venv (on Debian: the package python3-venv)."; exit 1; }
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c requirements.lock -e '.[book,test]'
	@touch $@

setup: $(READY) ## make the virtual environment (book and test do it by themselves)

book: $(READY) ## run what is stale and build the site into _build/html
	@$(BIN)/companion build --jobs $(JOBS)

test: $(READY) ## run all tests, notebooks included
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --nbval-lax

rerun: $(READY) ## rerun one chapter: make rerun CHAPTER=topic/name PARAMS="seed=7 n_samples=20000"
	@$(BIN)/companion run $(CHAPTER) $(foreach parameter,$(PARAMS),-p '$(parameter)')

sweep: $(READY) ## run one chapter for many values: make sweep CHAPTER=topic/name GRID="seed=0:20 d=5,10"
	@$(BIN)/companion sweep $(CHAPTER) $(foreach axis,$(GRID),--grid '$(axis)') \
	  $(foreach parameter,$(PARAMS),-p '$(parameter)') --jobs $(JOBS)

check: $(READY) ## format, lint and spelling
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/codespell

bench: $(READY) ## measure how fast it is into benchmarks/results.json (some minutes; on a quiet machine)
	@OMP_NUM_THREADS=1 $(BIN)/python benchmarks/suite.py $(if $(ONLY),--only $(ONLY))

lock: $(READY) ## renew requirements.lock from pyproject.toml (for maintainers; needs the network)
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet uv
	@UV_FIND_LINKS= $(BIN)/uv pip compile --quiet --universal --no-header --no-emit-index-url \
	  --python-version 3.11 --extra book --extra test --extra cluster pyproject.toml -o requirements.lock

clean: ## remove everything generated, the environment excepted
	rm -rf _build _output _runs .pytest_cache .ruff_cache
