# `make help` lists the targets. Every target first creates the virtual environment $(VENV). PYTHON=… names another
# interpreter, VENV=… another folder for the environment.
SHELL := /bin/bash
VENV ?= .venv
export VENV
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PRETRAINED := $(VENV)/.pretrained
RELEASE := $(VENV)/.release
DOCS := $(VENV)/.docs
LOWEST := $(VENV)/lowest
# One thread: the tests are many small tensors, and equal bits need equal threads.
PYTEST := OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-repeatedly test-slow test-browser test-peers test-pretrained test-pretrained-lowest test-molecules test-reasoning-gym fuzz chaos lint format types check docs package licences audit bench bench-quick paper

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints.txt
	@scripts/setup.sh

$(PRETRAINED): pyproject.toml constraints.txt | $(STAMP)
	@$(BIN)/pip install --quiet -c constraints.txt -e '.[pretrained,peers,lm-eval]'
	@touch $@

$(RELEASE): pyproject.toml constraints.txt | $(STAMP)
	@$(BIN)/pip install --quiet -c constraints.txt -e '.[release]'
	@touch $@

$(DOCS): pyproject.toml constraints.txt | $(STAMP)
	@$(BIN)/pip install --quiet -c constraints.txt -e '.[docs]'
	@touch $@

# Beside the tested versions, not in their place: what is found first on the path counts.
$(LOWEST): | $(STAMP)
	@$(BIN)/pip install --quiet --target $@.part numpy==2.4.6 transformers==5.11.0
	@$(BIN)/pip install --quiet --target $@.part --no-deps peft==0.18.0 diffusers==0.40.0 lm-eval==0.4.10
	@mv $@.part $@

setup: $(STAMP) ## create .venv with the tested versions (the other targets do this themselves)

demo: $(STAMP) ## train on 6×6 Sudoku, compare samplers, write the report (7 to 12 minutes on two cores)
	@$(BIN)/adaptive-diffusion run quickstart

test: $(STAMP) ## the tests
	@$(PYTEST) -n auto

test-repeatedly: $(STAMP) ## the tests N times (20) in random order beside busy processes, failures counted (TESTS=folder for a part)
	@$(BIN)/python scripts/repeat_tests.py $(or $(N),20) $(or $(TESTS),-n auto)

test-slow: $(STAMP) ## the tests that train or count for minutes
	@$(PYTEST) -m slow

test-browser: $(STAMP) ## the report and the playground in a real browser (Debian's chromium, the extras browser and play)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
		{ echo "A browser is needed. On Debian and Ubuntu: apt install chromium" >&2; exit 1; }
	@$(BIN)/python -c 'import playwright, gradio' 2>/dev/null || \
		{ echo "Playwright and Gradio are needed: $(BIN)/pip install -c constraints.txt -e '.[browser,play]'" >&2; exit 1; }
	@$(PYTEST) -m browser

test-peers: $(STAMP) ## our rules beside those of transformers and diffusers (the extra peers)
	@$(PYTEST) -m peers

test-pretrained: $(STAMP) $(PRETRAINED) ## pretrained models: adapters, heads, lm-eval, real weights (installs their extras)
	@$(PYTEST) -m pretrained -rs

test-pretrained-lowest: $(STAMP) $(PRETRAINED) $(LOWEST) ## the same with the lowest supported transformers, peft, diffusers and lm-eval
	@PYTHONPATH=$(LOWEST) $(PYTEST) -m pretrained

test-molecules: $(STAMP) ## molecules (installs rdkit and fcd-torch, not the data of the extra molecules)
	@$(BIN)/pip install --quiet -c constraints.txt rdkit fcd-torch
	@$(PYTEST) -rs tests/tasks/molecules tests/tasks/test_parallel_streams.py tests/test_molecule_scripts.py

test-reasoning-gym: $(STAMP) ## prompts of reasoning-gym (installs it)
	@$(BIN)/pip install --quiet -c constraints.txt -e '.[reasoning-gym]'
	@$(PYTEST) -rs -m 'slow or not slow' -k reasoning_gym tests/tasks/prompts tests/runs/test_prompts.py

fuzz: $(STAMP) ## bad input at everything that reads, 10 minutes (FUZZ='--cases 100000 --minutes 60' for more)
	@OMP_NUM_THREADS=1 PYTHONPATH=tests $(BIN)/python -m fuzz $(FUZZ)

chaos: $(STAMP) ## kills at random moments, full disks and more, compared with undisturbed runs (docs/chaos.json)
	@OMP_NUM_THREADS=1 $(BIN)/python scripts/chaos.py $(CHAOS)

lint: $(STAMP) ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(STAMP) ## let ruff rewrite what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(STAMP) ## pyright over the package
	@$(BIN)/pyright

check: lint types test ## lint, types and tests

docs: $(STAMP) $(DOCS) ## build the documentation site in build/docs; a warning is an error
	@$(BIN)/mkdocs build --quiet --strict

package: $(STAMP) $(RELEASE) ## build wheel and sdist, check them, run the quickstart from the wheel in an empty environment
	@scripts/check_package.sh

audit: $(STAMP) $(RELEASE) ## known vulnerabilities of the tested versions; skipped where the list cannot be reached
	@scripts/audit.sh

licences: $(STAMP) ## list the licences of all dependencies in docs/licences.md (installs every extra)
	@$(BIN)/pip install --quiet -c constraints.txt -e ".[$$($(BIN)/python -c 'import tomllib; \
		print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"], sep=",")')]"
	@$(BIN)/python scripts/licences.py

bench: $(STAMP) $(PRETRAINED) ## measure; results in benchmarks/results (installs the peers that are measured against)
	@$(BIN)/python -m benchmarks

bench-quick: $(STAMP) $(PRETRAINED) ## the same in under five minutes
	@$(BIN)/python -m benchmarks --quick

paper: $(STAMP) ## numbers, tables, figures and paper/build/main.pdf from the result files (LaTeX)
	@$(BIN)/python -m paper
	@command -v latexmk >/dev/null && kpsewhich microtype.sty pplr8t.tfm >/dev/null || \
		{ echo "LaTeX is needed. On Debian and Ubuntu: apt install --no-install-recommends latexmk texlive-latex-base" \
		"texlive-latex-recommended texlive-fonts-recommended texlive-latex-extra" >&2; exit 1; }
	@cd paper && latexmk -pdf -interaction=nonstopmode -halt-on-error -silent -outdir=build main.tex
