# Everything runs in a virtual environment of the project's own.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH_VENV := .venv-torch
FRAMEWORKS_VENV := .venv-frameworks
QUICK := "not slow and not torch and not frameworks and not browser and not package"
TORCH ?= torch==2.13.0
TENSORFLOW ?= tensorflow-cpu==2.21.0
# TensorFlow asks for an older h5py, and works with ours: what else it needs is installed by name.
TENSORFLOW_NEEDS := absl-py astunparse flatbuffers gast google-pasta libclang opt-einsum "protobuf<7" requests termcolor \
	wrapt grpcio ml-dtypes

# Tests start many processes: without files of bytecode each would compile the whole project anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(BIN)/lenet-diag: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: $(BIN)/lenet-diag
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

.PHONY: install
install: $(BIN)/lenet-diag ## create .venv and install the project

.PHONY: train
train: $(BIN)/lenet-diag ## install, then train the paper's LeNet on MNIST and watch it
	$(BIN)/lenet-diag train --watch

.PHONY: demo
demo: $(BIN)/lenet-diag ## install, then train until a run dies and open its report (under a minute)
	$(BIN)/lenet-diag demo

.PHONY: pictures
pictures: $(VENV)/.dev ## make the pictures of the README again (needs Debian's package chromium)
	$(BIN)/python -m docs.readme_pictures

.PHONY: lint
lint: $(VENV)/.dev ## style, layout, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

.PHONY: test
test: lint ## lint and all quick tests
	$(BIN)/python -m pytest -n 2 --dist loadfile -m $(QUICK)

.PHONY: test-all
test-all: lint ## kill, fuzz and long tests too
	HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest -n 2 --dist loadfile -m "not torch and not frameworks and not browser and not package"

.PHONY: test-cost
test-cost: $(VENV)/.dev ## the tests of make test, and the processor time of the dearest files and tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --cost -m $(QUICK)

.PHONY: test-torch
test-torch: $(VENV)/.dev ## compare with PyTorch (installs it)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest -m torch

.PHONY: test-frameworks
test-frameworks: ## record Keras, JAX, TensorFlow and scikit-learn (installs them, in an environment of their own)
	$(PYTHON) -m venv $(FRAMEWORKS_VENV)
	$(FRAMEWORKS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check "$(TORCH)" --editable ".[dev,keras,jax,sklearn]"
	$(FRAMEWORKS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "$(TENSORFLOW)"
	$(FRAMEWORKS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(TENSORFLOW_NEEDS)
	$(FRAMEWORKS_VENV)/bin/python -m pytest -m frameworks

.PHONY: test-browser
test-browser: $(VENV)/.dev ## open the reports in headless Chromium (needs Debian's package chromium)
	$(BIN)/python -m pytest -m browser

.PHONY: test-package
test-package: $(VENV)/.dev ## build the wheel, use it in an environment of its own, and execute the notebook
	$(BIN)/python -m pytest tests/test_package.py tests/test_notebook.py

$(VENV)/.docs: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[docs]"
	@touch $@

.PHONY: docs-site
docs-site: $(VENV)/.docs ## build the documentation as a site in site/, its links checked
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

.PHONY: docs-notebook
docs-notebook: $(VENV)/.dev ## execute the notebook of docs/ and keep what it shows
	$(BIN)/python -m docs.notebook

.PHONY: docs
docs: $(VENV)/.dev ## write the generated pages of docs/ again
	$(BIN)/python -m docs.generate

.PHONY: clean
clean: ## remove the environments and caches (runs and reports are kept)
	rm -rf $(VENV) $(FRAMEWORKS_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist site *.egg-info
