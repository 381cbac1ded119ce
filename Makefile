# Everything runs in $(VENV), which is made when it is first needed: only Python and make have to be there.
PYTHON ?= python3
VENV ?= .venv
SHELL := /bin/bash

bin := $(VENV)/bin
install := $(bin)/python -m pip install --quiet --disable-pip-version-check
compile = uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
	$(UPGRADE)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint bench mutate synthesis lock clean

help: ## say what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 10

demo: $(VENV)/.run ## assess a published patient, show the report and write it as HTML
	@mkdir -p build && $(bin)/myoresist demo --html build/demo.html

test: $(VENV)/.dev ## run all tests; TEST=--cov says which lines they reach, TEST='--every 3' takes a third of many variants
	$(bin)/python -m pytest --numprocesses auto --dist loadfile $(TEST)

lint: $(VENV)/.dev ## check format, style, types and the order of the layers
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy
	$(bin)/lint-imports

bench: $(VENV)/.dev ## measure speed and memory; writes benchmarks/results.json
	$(bin)/python benchmarks/bench.py

mutate: $(VENV)/.dev ## change every number in the knowledge; a worked example must notice
	$(bin)/python scripts/mutate_knowledge.py --floor 0.95 $(MUTATE)

synthesis: $(VENV)/.dev ## put compatible studies together; writes trials/pooled.csv
	$(bin)/python scripts/pool_trials.py

lock: ## renew the lock files; UPGRADE=--upgrade takes newer versions
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && $(PYTHON) -m venv "$$tools" \
	&& "$$tools/bin/pip" install --quiet 'uv>=0.13,<0.14' && PATH="$$tools/bin:$$PATH" \
	&& $(compile) pyproject.toml --group dev --group build --output-file requirements-dev.lock \
	&& $(compile) pyproject.toml --constraints requirements-dev.lock --output-file requirements.lock \
	&& $(compile) --group build --constraints requirements-dev.lock --output-file requirements-build.lock

clean: ## remove what was made
	rm -rf $(VENV) build dist htmlcov .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The run-time lock is enough to use myoresist; the development lock adds to it. A lock is complete, so nothing is resolved
# (--no-deps): the resolver would take a newer release for a package that is also asked for with an extra.
$(VENV)/.run: pyproject.toml requirements.lock requirements-build.lock
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv --clear $(VENV)
	$(install) --no-deps --require-hashes -r requirements.lock -r requirements-build.lock
	$(install) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	$(install) --no-deps --require-hashes -r requirements-dev.lock
	@touch $@
