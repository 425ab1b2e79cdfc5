# Everything a person does with this project. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help setup demo dashboard test coverage lint format dev notebook docs lock sbom clean

help: ## Say what each command does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## Set up .venv from requirements.lock

# The lock is complete, so pip resolves nothing (--no-deps) and checks every hash.
$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.11 to 3.13 is needed, $(PYTHON) is `$(PYTHON) --version 2>&1`; try: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) from requirements.lock (once; takes a few minutes) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## Run the main job on a sample organisation and show what the memory learned
	@$(BIN)/memory-pipeline demo

# Tests of one file share what they prepare, so that a file goes to one worker; what takes longest begins.
WORKERS := --numprocesses auto --dist loadfile --no-loadscope-reorder

# Threads of the linear algebra only wait for each other on matrices as small as those of the tests.
test coverage: export OMP_NUM_THREADS = 1
test coverage: export OPENBLAS_NUM_THREADS = 1
test: setup ## Run all tests, one worker a processor
	@$(BIN)/python -m pytest $(WORKERS)

# Counting lines takes half as long again, so that it is no part of what has to pass.
coverage: setup ## Run all tests, and say which lines no test runs
	@$(BIN)/python -m pytest $(WORKERS) --cov --cov-report=term

lint: setup ## Check format, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup ## Format the code and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dev: setup ## Open the Dagster UI on the memory's data (http://127.0.0.1:3000)
	@$(BIN)/memory-pipeline dev

dashboard: setup ## Open the pages of the memory in the browser (http://127.0.0.1:8017)
	@$(BIN)/memory-pipeline serve --open

notebook: setup ## Open JupyterLab on the notebooks
	@$(BIN)/memory-pipeline notebook

# The site's generator and the tools that check deploy/ have environments of their own.
DOCS := .venv-docs
docs: $(DOCS)/.installed ## Build the docs as a site in site/ and check every link
	@NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --config-file docs/site/mkdocs.yml
	@echo "open site/index.html"

$(DOCS)/.installed: docs/site/requirements.lock
	@test -x $(DOCS)/bin/python || $(PYTHON) -m venv $(DOCS)
	@$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

LOCKED := --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links \
  --no-annotate --custom-compile-command "make lock"

lock: ## Resolve the dependencies again (needs uv)
	uv pip compile pyproject.toml --extra alerts --extra excel --extra notebook --group dev $(LOCKED) --output-file requirements.lock
	uv pip compile --group docs $(LOCKED) --output-file docs/site/requirements.lock
	uv pip compile --group deploy $(LOCKED) --output-file tests/deploy/requirements.lock
	uv pip compile --group spark $(LOCKED) --output-file tests/spark-requirements.lock

sbom: setup ## Write sbom.json: what this project is made of, with versions, licences and hashes
	@$(BIN)/python .ci/bill_of_materials.py > sbom.json

clean: ## Remove the virtual environment and caches (keeps .memory, the data)
	rm -rf $(VENV) .venv-deploy $(DOCS) site .pytest_cache .mypy_cache .ruff_cache .coverage
