# `make app` and `make test` do everything on a machine that has Python 3.11 and make.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8501
JOBS ?= 2
SAMPLE ?= 150
SEED ?= 1

# A module is compiled when it is first imported: pip would compile all of them, most of which nothing imports.
export PYTHONDONTWRITEBYTECODE =
PIP := $(BIN)/pip install --quiet --no-compile

.DEFAULT_GOAL := help
.PHONY: help app test check bench ends lock mutants readme peers tools train picture clean

help: ## list these verbs
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

app: $(VENV)/app.stamp ## install what is needed, start the viewer and open it on a sample
	$(BIN)/streamlit run app/start.py --server.port $(PORT)

test: ## run every check and test, those in a real browser included
	@$(MAKE) --no-print-directory --jobs 2 tools check
	OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

check: $(VENV)/test.stamp ## lint, types and import law
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/peers.stamp ## measure what the README quotes, against named peers, and write benchmarks/RESULTS.md and the README's figures
	$(BIN)/python benchmarks/results.py
	$(BIN)/python tools/readme.py

ends: $(VENV)/test.stamp ## install the wheel at both ends of the ranges of its packages, and prove that it works there
	$(BIN)/python benchmarks/ends.py lower
	$(BIN)/python benchmarks/ends.py upper

mutants: $(VENV)/mutants.stamp ## change SAMPLE tokens of the library one at a time (150) and see that its tests notice
	$(BIN)/python tools/mutants.py --sample $(SAMPLE) --seed $(SEED)

train: $(VENV)/test.stamp ## train the four instantiations and the findings anew, from pictures that Debian packages
	$(BIN)/python -m pretrained.recipe train
	$(BIN)/python -m pretrained.recipe mark train --seeds 1 2 3 4 5

picture: $(VENV)/test.stamp ## take the README's picture from the running app
	$(BIN)/python benchmarks/picture.py

lock: $(VENV)/test.stamp ## write requirements.txt anew from what is installed
	$(BIN)/python tools/lock.py > requirements.new && mv requirements.new requirements.txt

readme: $(VENV)/test.stamp ## write the README's tables anew from the catalog and the measurements
	$(BIN)/python tools/readme.py

peers: $(VENV)/peers.stamp ## install other people's networks; `make test` then compares ours with them, else skips that

.PHONY: docs
docs: $(VENV)/test.stamp ## build guide and reference into build/docs; a warning is an error
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet docs build/docs

tools: ## Chromium, ffprobe, node and axe-core, which the tests drive; installed from Debian and npm where that is possible
	@sh tools/programs.sh

$(VENV)/app.stamp: requirements.txt pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(PIP) -r requirements.txt -e '.[app]'
	$(BIN)/python -m nonlocal_core.app.server.prepare
	@touch $@

$(VENV)/test.stamp: $(VENV)/app.stamp
	$(PIP) -e '.[app,test]'
	@touch $@

# timm and mmaction2 without what they ask for, since only the files of their networks are imported.
$(VENV)/peers.stamp: $(VENV)/test.stamp
	$(PIP) -e '.[peers,survey]'
	$(PIP) --no-deps timm==1.0.31 mmaction2==1.2.0
	@touch $@

$(VENV)/mutants.stamp: $(VENV)/test.stamp
	$(PIP) -e '.[mutants]'
	@touch $@

clean: ## remove the environment
	rm -rf $(VENV)
