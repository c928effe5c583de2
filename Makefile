# The whole project in one word each. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-stay demo-large up test lint contracts bench bench-followup faults faults-timers faults-mail lock clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.ready ## build the environment from the hashes in requirements.lock

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## play a real gathering of 60 people on Kafka and PostgreSQL, then show the report
	$(RUN) -m deploy.demo

demo-stay: setup ## the same, and keep it up so that its pages can be used
	$(RUN) -m deploy.demo --stay

demo-large: setup ## the same with 403 people and the whole contact stream
	$(RUN) -m deploy.demo --large

up: setup ## start Kafka, PostgreSQL and the four services, and stay
	$(RUN) -m deploy.local up

test: setup ## run the tests (real PostgreSQL, real Kafka, a short fault run)
	$(RUN) -m pytest

lint: setup ## style and strict types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

contracts: setup ## regenerate schemas, AsyncAPI, topics and ACLs from the models
	$(RUN) -m shared.contracts.export

bench: setup ## measure, and write docs/benchmarks.md
	$(RUN) -m tests.bench

bench-followup: setup ## measure follow-up beside procrastinate and pgbench, twenty minutes
	$(RUN) -m tests.bench.followup --write

faults: setup ## the long fault run
	$(RUN) -m pytest tests/fault -m fault --fault-minutes 10

faults-timers: setup ## a million timers under 100 kills and 5 crashes of PostgreSQL
	$(RUN) -m tests.fault.followup_timers

faults-mail: setup ## mail under 100 kills
	$(RUN) -m tests.fault.followup_mail

lock: setup ## pin every package anew, by hash and without addresses
	@$(VENV)/bin/uv pip compile --quiet --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock

clean: ## remove the environment and the local stack's data
	rm -rf $(VENV) .local
