# Everything a contributor runs. `make` alone lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup system system-lab lint format generate deb test-deb test test-host test-lab demo drill bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: system $(STAMP) ## system packages (Debian; sudo only if something is missing) and the venv

system:
	@PYTHON=$(PYTHON) scripts/install-system-packages

system-lab:
	@PYTHON=$(PYTHON) scripts/install-system-packages lab

$(STAMP): pyproject.toml | system-lab
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat --editable '.[dev]'
	@touch $@

test: setup lint test-host test-lab ## lint, tests on the host, tests in a real ip_vs kernel

test-host: setup ## tests that need no kernel of their own
	$(BIN)/python -m pytest -q -n 2 -m 'not kernel'

test-lab: setup ## tests against ip_vs, in two of the lab's kernels side by side
	$(MAKE) --jobs=2 --output-sync=target lab-share-1 lab-share-2

lab-share-%:
	$(BIN)/python -m lab pytest --timeout 2400 --env KGLB_SHARE=$*/2 -q

lint: setup ## style, types, and the import floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: setup ## the config's schema, completions, man page: what is made from the code and committed
	$(BIN)/python -m generate

deb: setup ## a Debian package, in dist/
	@PYTHON=$(abspath $(BIN)/python) packaging/build-deb

test-deb: setup ## the package in a clean Debian 12, booted: minutes, root, debootstrap; not part of `make test`
	@PYTHON=$(abspath $(BIN)/python) packaging/test-deb

demo: system-lab $(STAMP) ## a load balancer, its reals and their failures, in the lab's kernel
	@$(BIN)/python -m lab run -- $(BIN)/python -m lab.demo .demo
	@$(BIN)/python -m lab.incident .demo

drill: system-lab $(STAMP) ## an incident on purpose, twice, and what its journal says of it: three minutes
	@$(BIN)/python -m lab run -- $(BIN)/python -m lab.drill .drill/first
	@$(BIN)/python -m lab run -- $(BIN)/python -m lab.drill .drill/second --fall 5
	@$(BIN)/python -m lab run -- $(BIN)/python -m lab.reenact .drill/first
	@$(BIN)/python -m lab.postmortem .drill/first .drill/second

bench: setup ## measurements
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m bench

clean: ## caches, what the demo left, and the venv
	rm -rf $(VENV) .demo .drill build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
