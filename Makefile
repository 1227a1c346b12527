# Everything starts here: `make` lists the targets. Each target installs what it needs first.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEMBERS := contracts $(wildcard libs/*) $(wildcard services/*) $(wildcard simulators/*) $(wildcard tools/*) deploy/provision deploy/local
INSTALLED := $(VENV)/.installed
ASYNCAPI := $(VENV)/asyncapi
UNPROTECTED := $(if $(filter off,$(SECURITY)),--unprotected)

PROMTOOL ?= promtool

.PHONY: help setup lock check format contracts contracts-release asyncapi-check observability-check demo test test-fast bench bench-bad-messages certify certify-mutations up provision down clean logs status

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  \033[36m%-20s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## install everything into .venv

$(INSTALLED): deploy/requirements/uv.lock deploy/requirements/workspace.lock $(MEMBERS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=python3.x" >&2; exit 1; }
	@echo "Installing into $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/requirements/uv.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode deploy/requirements/workspace.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(MEMBERS:%=-e ./%)
	@$(BIN)/python -m local_stack.java_cache
	@# Compiles the tests here, once, instead of in every process of `make test`.
	@$(BIN)/pytest --collect-only -qq > /dev/null || true
	@touch $@

lock: setup ## choose the newest allowed versions and write the lock files
	@for name in uv workspace; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade \
	  -o deploy/requirements/$$name.lock deploy/requirements/$$name.in; done

format: setup ## format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

check: setup ## formatting, lint, types, import directions, contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m contracts.gate

contracts: setup ## write what is generated, then say what changed since the last release and for whom (JSON=1 for a program)
	@$(BIN)/python -m contracts
	@$(BIN)/python -m local_stack.environment
	@$(BIN)/python -m local_stack.metrics_page
	@$(BIN)/python -m contracts.gate $(if $(JSON),--json)

contracts-release: setup ## make today's contracts the released ones (ACCEPT="reason" when something breaks)
	@$(BIN)/python -m contracts
	@$(BIN)/python -m contracts.gate release $(if $(ACCEPT),--accept "$(ACCEPT)")

asyncapi-check: $(ASYNCAPI)/.installed ## the AsyncAPI CLI's verdict on the AsyncAPI document (needs npm; a minute and 450 MB the first time)
	@CI=true SUPPRESS_NO_CONFIG_WARNING=1 $(ASYNCAPI)/node_modules/.bin/asyncapi validate contracts/asyncapi.yaml --fail-severity=info

# Without "resolved" in the lock file npm takes each package from the registry it is configured for, and still checks its hash.
$(ASYNCAPI)/.installed: deploy/asyncapi/package.json deploy/asyncapi/package-lock.json
	@command -v npm > /dev/null || { echo "npm is needed for the AsyncAPI CLI" >&2; exit 1; }
	@echo "Installing the AsyncAPI CLI into $(ASYNCAPI) ..."
	@mkdir -p $(ASYNCAPI)
	@cp $^ $(ASYNCAPI)
	@npm ci --prefix $(ASYNCAPI) --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

observability-check: setup ## metrics, dashboard, alerts and runbooks agree; alert rules tried on made-up series (needs promtool)
	@$(BIN)/pytest -q tests/telemetry/test_observability.py
	@command -v $(PROMTOOL) >/dev/null || { echo "promtool is not installed (Debian: apt install prometheus); or set PROMTOOL=path" >&2; exit 1; }
	@$(PROMTOOL) check rules --lint-fatal deploy/alerts/accountflow.rules.yaml
	@$(PROMTOOL) test rules deploy/alerts/accountflow.test.yaml

demo: setup ## walk the guide on a system of its own, end with a table of proofs
	@$(BIN)/python -m demo $(UNPROTECTED)

test: setup ## all tests, on real Kafka and PostgreSQL
	@$(BIN)/pytest -n 5 --dist loadfile --no-loadscope-reorder

certify: setup ## kill every service at every crash point, the servers too; every fault on every data set; compare the ends (30 minutes)
	@$(BIN)/pytest -q -n 0 tests/certificate/certify_points.py tests/certificate/certify_servers.py tests/certificate/certify_cluster.py
	@$(BIN)/pytest -q -n 0 services/sync-worker/tests/certify_company_changes.py services/sync-worker/tests/certify_fault_matrix.py services/sync-worker/tests/certify_faults.py services/sync-worker/tests/certify_meanwhile.py services/sync-worker/tests/certify_a07_faults.py

certify-mutations: setup ## take each protection out of a service and see the certificate turn red
	@$(BIN)/pytest -q -n 0 tests/certificate/certify_mutations.py

test-fast: setup ## the tests that need no server
	@$(BIN)/pytest -m "not servers" --hypothesis-profile=fast

bench: setup ## what the guarantees cost beside the bare alternative (ROW=name for one, ROUNDS=5)
	@$(BIN)/python -m bench $(ROW) --rounds $(or $(ROUNDS),5)

bench-bad-messages: setup ## malformed messages among good ones at full speed (N=1000000)
	@$(BIN)/python -m bench.bad_messages $(or $(N),1000000)

up: setup ## start the whole system in the background (addresses: .local/env; SECURITY=off: plain Kafka)
	@$(BIN)/python -m local_stack up $(UNPROTECTED)

provision: setup ## topics and rights of the cluster that KAFKA__* names, from the contracts (DRY_RUN=1: only say what)
	@$(BIN)/python -m provisioning $(if $(DRY_RUN),--dry-run)

down: ## stop it, keep the data
	@test ! -d .local || $(BIN)/python -m local_stack down

clean: ## stop it, delete the data
	@test ! -d .local || $(BIN)/python -m local_stack clean

logs: setup ## print its logs (SERVICE=name for one, FOLLOW=1 to go on)
	@$(BIN)/python -m local_stack logs $(if $(FOLLOW),--follow) $(SERVICE)

status: setup ## what runs, how much memory it takes, whether it is ready
	@$(BIN)/python -m local_stack status
