# Two commands do everything on a fresh machine with Python 3.11+: `make up` and `make test`.
# Each installs what it needs (scripts/setup says what, and what is missing where it may not).

SHELL := /bin/sh
# Where compiled modules are not kept, as in many images of Python, every process of the tests compiles thousands anew.
unexport PYTHONDONTWRITEBYTECODE
PYTHON := .venv/bin/python

.PHONY: help up demo check test e2e kernels bench fuzz console bpf format migration clean setup-up setup-test setup-bench setup-fuzz

help: ## Say what there is
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

up: setup-up console bpf ## Run Deadlight here; with no cluster in reach it shows the demonstration fleet
	@exec .venv/bin/deadlight up --demo-without-cluster

demo: setup-up console bpf ## Run Deadlight here with the demonstration fleet
	@exec .venv/bin/deadlight up --demo

check: setup-test ## Lint, types, import direction, the console's types and lint
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	scripts/build-console check

test: setup-test console bpf ## All tests; what cannot run here says why it is skipped
	$(PYTHON) -m pytest -n 3 --dist loadscope
	scripts/build-console test

e2e: setup-test console bpf ## The end-to-end tests alone
	$(PYTHON) -m pytest tests/e2e -n0

kernels: setup-test bpf ## The sensor's kernel half in emulated machines with Debian's kernels 6.1 and 6.12 (root, minutes)
	DEADLIGHT_REQUIRE=qemu $(PYTHON) -m pytest tests/sensor/guest -n0

bench: setup-bench bpf ## One benchmark: make bench NAME=exposure_latency
	@test -n "$(NAME)" || { echo "make bench NAME=x, one of:"; ls benchmarks/*.py | xargs -n1 basename | sed 's/\.py$$//'; exit 2; }
	@$(PYTHON) -m benchmarks.$(NAME) $(ARGS)

fuzz: setup-fuzz ## Fuzz parsers of foreign bytes: make fuzz [MINUTES=10] [TARGET=x]
	$(PYTHON) -m tests.fuzz --minutes $(or $(MINUTES),10) $(TARGET)

console: ## Build the web console into the package
	@scripts/build-console

bpf: ## Build the sensor's BPF object into the package
	@scripts/build-bpf || { test -z "$$DEADLIGHT_REQUIRE" && echo "going on without the sensor's BPF object" >&2; }

format: ## Format and fix what can be fixed
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

migration: setup-test ## A new migration from the tables: make migration NAME=add_colour
	$(PYTHON) scripts/new_migration.py "$(NAME)"

clean: ## Remove what was built, not what was learned
	rm -rf .venv .make dist ui/node_modules src/deadlight/server/console src/deadlight/sensor/objects

setup-up:
	@scripts/setup up

setup-test:
	@scripts/setup test

setup-bench:
	@scripts/setup bench

setup-fuzz:
	@scripts/setup fuzz
