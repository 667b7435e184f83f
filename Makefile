# `make help` lists the targets. Nothing is needed but git, make and Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
PY := $(BIN)/python
# pytest's, the bench's or the runner's own arguments: make test ARGS="-k interrupt -x"
ARGS ?=
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help run test check format imports bench eval faults demo-reset superuser lock clean setup setup-dev

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

run: setup ## Start the whole site (PORT=8000 DATA_DIR=data) until Ctrl-C
	@exec $(PY) -m supportsite.runner --stop-with-parent $(ARGS)

test: setup-dev ## Run all tests that need nothing but Python, then those of the database on PostgreSQL
	@$(PY) -m tests $(ARGS)

check: setup-dev ## What CI checks: format, lint, types, imports, migrations, settings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) manage.py check --fail-level WARNING

format: setup-dev ## Format the code and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

imports: setup-dev ## Check who may import whom
	$(BIN)/lint-imports

bench: setup-dev ## Measure speed beside a FastAPI handler (ARGS=open, idle, offline or profile); writes bench/results/
	$(PY) -m bench $(ARGS)

eval: setup-dev ## Measure how well messages are understood (DATA=folder of *.jsonl)
	$(PY) -m bench eval $(if $(DATA),--data $(DATA)) $(ARGS)

faults: setup-dev ## Kill processes at many points and count what was lost
	$(PY) -m tests.faults $(ARGS)

demo-reset: setup ## Put the verticals' demo data back as it was
	$(PY) manage.py load_verticals --reset

superuser: setup ## Make another staff login
	$(PY) manage.py createsuperuser

lock: setup ## Pin the requirements anew, with hashes (ARGS=--upgrade for newer ones)
	$(COMPILE) $(ARGS) requirements-uv.in -o requirements-uv.txt
	$(COMPILE) $(ARGS) requirements.in -o requirements.txt
	$(COMPILE) $(ARGS) requirements-traces.in -o requirements-traces.txt
	$(COMPILE) $(ARGS) requirements-dev.in -o requirements-dev.txt

clean: ## Remove what the tools made; keeps data/ and .env
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup:
	@$(PYTHON) bootstrap.py requirements.txt

setup-dev:
	@$(PYTHON) bootstrap.py requirements.txt requirements-dev.txt
