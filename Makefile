# `make test` runs all checks, `make demo` all examples.
# Both first set up .venv from the locked requirements/dev.txt.

PYTHON ?= $(shell for candidate in python3.11 python3.12 python3.13 python3; do \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& command -v $$candidate && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := .bedrock-jobs/demo
WORKERS ?= 3

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

$(READY): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer was found: install one," \
		"or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo \
		"make: $(PYTHON) is not a Python 3.11 or newer:" \
		"name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: setup
setup: $(READY) ## Set up .venv from the lock

.PHONY: demo
demo: setup ## Run every example job on the sandbox, from manifest to sidecar
	@rm -rf $(DEMO)
	@mkdir -p $(DEMO)
	@cp -R jobs $(DEMO)/
	cd $(DEMO) && ../../$(BIN)/bedrock-jobs reconcile jobs --sandbox --speed 3600 --wait
	@echo; echo "A second pass finds nothing to do, and makes no call:"
	cd $(DEMO) && ../../$(BIN)/bedrock-jobs reconcile jobs --sandbox
	@echo; echo "Each manifest in $(DEMO)/jobs has a status file beside it. That of support-bot.yaml:"
	@sed -n '1,24p' $(DEMO)/jobs/support-bot.status.json; echo "    ..."
	@echo; echo "Next, in this folder:"
	@echo "    source $(BIN)/activate"
	@echo "    bedrock-jobs plan jobs/support-bot.yaml --sandbox"
	@echo "    bedrock-jobs new ModelCustomizationJob my-model -o jobs/my-model.yaml"
	@echo "README.md explains each step; docs/README.md lists all documentation."

CHECKED := $(VENV)/checked.txt

.PHONY: test
test: setup ## Check format, lint, types, layers, and run the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	@# mypy uses one core only, so the tests run at the same time; both must pass.
	@$(BIN)/mypy > $(CHECKED) 2>&1 & types=$$!; \
	trap 'kill $$types 2> /dev/null; exit 130' INT TERM; \
	echo "$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal"; \
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal; tests=$$?; \
	wait $$types; typed=$$?; echo "$(BIN)/mypy"; cat $(CHECKED); \
	test $$tests -eq 0 && test $$typed -eq 0

.PHONY: format
format: setup ## Format the code and apply the linter's fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: setup ## Run the benchmarks (BENCH="--write docs/explanation/benchmarks.md" saves them)
	$(BIN)/python -m tests.bench $(BENCH)

.PHONY: chaos
chaos: setup ## Run the reliability tests (CHAOS="--share 1 --brief" runs a part)
	$(BIN)/python -m tests.chaos $(CHAOS)

.PHONY: soak
soak: setup ## Run the daemon for ten simulated days with faults (SOAK="DAYS SEED")
	$(BIN)/python -m tests.soak $(SOAK)

.PHONY: docs
docs: setup ## Update the generated pages of docs/
	$(BIN)/python -m tests.house.reference

.PHONY: site
site: setup ## Build docs/ as a site in build/site
	$(BIN)/mkdocs build --strict --quiet
	@echo "Open build/site/index.html"

LOCK = CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade \
	--generate-hashes --allow-unsafe --strip-extras --no-build-isolation \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.PHONY: lock
lock: setup ## Update requirements/ from pyproject.toml: for developers, the image and its build
	$(LOCK) --extra dev --output-file requirements/dev.txt pyproject.toml
	$(LOCK) --constraint requirements/dev.txt --output-file requirements/runtime.txt pyproject.toml
	$(LOCK) --constraint requirements/dev.txt --only-build-deps --build-deps-for wheel \
		--output-file requirements/build.txt pyproject.toml

.PHONY: clean
clean: ## Remove the files that the targets created
	rm -rf $(VENV) .bedrock-jobs build dist tests/bench/.rivals
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
