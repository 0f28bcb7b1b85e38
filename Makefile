# Two commands do everything, set-up included: `make demo` and `make test`.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo
CLINICS := clinics
# `make clinics CLINIC=s1` runs one alone.
CLINIC ?=

# The first interpreter on PATH that really is Python 3.11, 3.12 or 3.13; `make PYTHON=/path/to/python demo` overrides it.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1; then echo $$python; break; fi; done)

.DEFAULT_GOAL := help
.PHONY: help demo clinics test check lint docs reference bench clean lock system-packages

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(VENV)/.runtime ## run (or continue) a real small sweep on scikit-learn's digits and print where its report is
	@$(BIN)/python examples/demo/pretrain.py --output $(DEMO)/digits-0-4.weights.h5
	@cd $(DEMO) && ../$(BIN)/steadysweep run ../examples/demo/sweep.yaml

clinics: $(VENV)/.runtime ## run (or continue) the four clinics, known failures and what repairs them; CLINIC=s1 runs one alone
	@$(BIN)/python examples/clinics/run.py --output $(CLINICS) $(CLINIC)

test: $(VENV)/.dev $(VENV)/.s3-server system-packages ## lint, types, import rules and all tests, with the time each suite took
	@$(BIN)/python tests/run_suites.py

check: $(VENV)/.dev ## lint, types, import rules and the fastest tests, in less than three minutes: for the daily loop
	@$(BIN)/python tests/run_suites.py --quick

lint: $(VENV)/.dev ## ruff, mypy and the import rules alone
	@$(BIN)/python tests/run_suites.py --only lint

docs: $(VENV)/.dev ## build the documentation into site/
	@$(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.dev ## run the benchmarks at full size and print their figures
	@for benchmark in benchmarks/[a-z]*.py; do echo "== $$benchmark"; $(BIN)/python $$benchmark || exit 1; done

reference: $(VENV)/.dev ## write the pages that follow from the settings' types and the parser
	@$(BIN)/python -m sweeps.sweep_file.reference docs/sweep-file.md
	@$(BIN)/python -m trainer.config.reference docs/trainer.md
	@$(BIN)/python -m sweeps.cli.reference docs/cli.md

lock: $(VENV)/.dev ## pin the newest dependencies that pyproject.toml allows
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes \
		--group build pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes \
		--group build --extra dev --extra postgres --extra dashboard --extra tracking --extra bench -c requirements.lock pyproject.toml -o requirements-dev.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes \
		--group pyproject.toml:s3-server -o requirements-s3-server.lock

system-packages: ## install Chromium and PostgreSQL by apt when missing (the tests use both)
	@.ci/system-packages

clean: ## remove the environment, caches and the studies of demo and clinics
	rm -rf $(VENV) $(DEMO) $(CLINICS) site build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and none was found on PATH; set PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.s3-server: requirements-s3-server.lock | $(VENV)/bin/python
	@rm -rf $(VENV)/s3-server
	$(BIN)/pip install --quiet --disable-pip-version-check --target $(VENV)/s3-server -r requirements-s3-server.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@
