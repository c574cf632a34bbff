# The commands of the project. `make gameday` and `make test` need nothing but a Debian (or
# any machine with Python 3.11, Go 1.25 and Node 18); they install what is missing.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
ALLURE := node_modules/.bin/allure

.PHONY: gameday test lint unit test-cluster bench requirements vocabulary clean

## A cluster with its stack on this machine, the scenarios of GAMEDAY (or those of FEATURES) on it, and the report.
## Those that need an addon are in no game day here: `aftershock up --with ADDON`, then `pytest features/ -m addon`.
GAMEDAY ?= gamedays/nightly.yaml
gameday: $(INSTALLED) $(ALLURE)
	$(BIN)/aftershock doctor --install
	$(BIN)/aftershock up
	$(if $(FEATURES),$(BIN)/pytest $(FEATURES),$(BIN)/aftershock gameday $(GAMEDAY))

## Lints and tests; needs no cluster.
test: lint unit

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

unit: $(INSTALLED) $(ALLURE)
	scripts/test-tools
	$(BIN)/pytest

## What needs the cluster that `aftershock up` makes, beyond the scenarios; what needs an addon is left out, too.
## At last, with the other cluster at rest, three machines of their own that become one.
test-cluster: $(INSTALLED)
	$(BIN)/pytest tests/cluster -m "not addon" --ignore tests/cluster/test_bootstrap.py
	$(BIN)/pytest tests/cluster/test_bootstrap.py

## The measurements: tables, no assertions. Those of an addon by name: `python -m benchmarks autorecovery`.
bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

$(INSTALLED): requirements/dev.txt pyproject.toml scripts/prerequisites
	scripts/prerequisites
	python3 -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(ALLURE): package.json package-lock.json | $(INSTALLED)
	npm ci --no-audit --no-fund --loglevel=error
	touch $@

## Pin the dependencies anew (needs pip-tools).
COMPILE := pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url \
	--no-emit-trusted-host --no-emit-find-links --no-header --no-annotate
requirements:
	$(COMPILE) --constraint requirements/together.in --output-file requirements/run.txt pyproject.toml
	$(COMPILE) --constraint requirements/run.txt --extra ec2 --extra s3 --output-file requirements/dev.txt pyproject.toml requirements/dev.in
	$(COMPILE) --constraint requirements/dev.txt --extra ec2 --extra s3 --output-file requirements/harness.txt pyproject.toml
	$(COMPILE) --output-file stack/components/requirements.txt stack/components/requirements.in
	$(COMPILE) --constraint requirements/run.txt --output-file stack/load/requirements.txt stack/load/requirements.in

## The pages and files that say which steps there are; tests hold that they are up to date.
vocabulary: $(INSTALLED)
	$(BIN)/aftershock steps --markdown > docs/vocabulary.md
	$(BIN)/aftershock steps --editor > features/steps/for_editors.py

clean:
	rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
