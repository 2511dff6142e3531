# The template's commands. Needs Python 3.11 to 3.13, git and make; everything it makes is under build/.
# Another Python: make PYTHON=python3.12 demo.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export BUILD := $(CURDIR)/build
# Material speaks of its successor at every build.
export NO_MKDOCS_2_WARNING := 1
export PRODUCT_ENV := $(BUILD)/env
KITS := churn price
OURS := hooks tests $(if $(wildcard benchmarks/*.py),benchmarks)

LOCKED := $(VENV)/.locked-$(shell cksum < requirements.lock | cut -d ' ' -f 1)
BAKE := $(BIN)/cookiecutter --default-config --no-input --overwrite-if-exists

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check docs fix lock bench bench-serve bench-scoring bench-alarms build/bench-env clean $(addprefix check-,$(KITS))

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F '|' '{ printf "%-20s%s\n", $$1, $$2 }'

demo: $(LOCKED) ## bake a product into build/churn-radar and let it tell its story; its environment stays
	@mkdir -p build/churn-radar
	@find build/churn-radar -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
	@$(BAKE) --output-dir build "$(CURDIR)" > build/bake.txt || { cat build/bake.txt; exit 1; }
	@echo "Baked build/churn-radar in a moment; now its own make demo."
	@$(MAKE) --no-print-directory -C build/churn-radar VENV=.venv DEMO='--folder .' demo

test: $(LOCKED) ## bake, then treat the result as its owner would
	@$(BIN)/python -m pytest

check: $(LOCKED) ## lint, format, types, docs, and what each kit's product says of itself: changes nothing
	@$(BIN)/ruff check --quiet $(OURS)
	@$(BIN)/ruff format --quiet --check $(OURS)
	@$(BIN)/mypy hooks tests benchmarks/sitting.py benchmarks/training.py benchmarks/serving.py benchmarks/scoring.py # the other scripts run in a product's environment
	@$(BIN)/mkdocs build --quiet --strict --site-dir build/site
	@$(MAKE) --no-print-directory $(addprefix check-,$(KITS))

$(addprefix check-,$(KITS)): check-%: $(LOCKED)
	@rm -rf build/check/$*
	@$(BAKE) --output-dir build/check/$* "$(CURDIR)" kit=$* > /dev/null
	@echo "The product of the kit $*:"
	@$(MAKE) --no-print-directory -C build/check/$*/churn-radar VENV="$(PRODUCT_ENV)" check

docs: $(LOCKED) ## the documentation as a site, in build/site
	@$(BIN)/mkdocs build --quiet --strict --site-dir build/site
	@echo "build/site/index.html"

fix: $(LOCKED) ## lint and format: changes files
	@$(BIN)/ruff check --quiet --fix $(OURS) || true
	@$(BIN)/ruff format --quiet $(OURS)
	@$(BIN)/ruff check $(OURS)

lock: $(LOCKED) ## compute requirements.lock anew from pyproject.toml
	@$(BIN)/uv pip compile --group pyproject.toml:dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --upgrade --quiet --output-file requirements.lock

bench: build/bench-env ## our training flow against a straight-line script doing the same
	@$(BIN)/python benchmarks/training.py

bench-scoring: build/bench-env ## a day of rows scored, logged and looked at, against scoring alone
	@$(BIN)/python benchmarks/scoring.py

bench-alarms: build/bench-env ## how often alarms are false, what they find, what they cost
	@cd build/bench-env/churn-radar && PYTHONPATH=src "$(PRODUCT_ENV)/bin/python" $(CURDIR)/benchmarks/alarms.py churn_radar

bench-serve: build/bench-env ## our service against a plain application with the same model
	@$(BIN)/python benchmarks/serving.py

# The product's environment, by its own Makefile.
build/bench-env: $(LOCKED)
	@rm -rf build/bench-env && $(BAKE) --output-dir build/bench-env "$(CURDIR)" > /dev/null
	@$(MAKE) --no-print-directory -C build/bench-env/churn-radar VENV="$(PRODUCT_ENV)" locked

clean: ## remove everything that was made
	@rm -rf build .venv .pytest_cache .mypy_cache .ruff_cache

# The same as in a product's Makefile: made from nothing whenever the lock changes, by uv out of the lock, or else by pip.
$(LOCKED):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo \
	  "error: $(PYTHON) is $$($(PYTHON) --version 2>&1) – Python 3.11, 3.12 or 3.13 is expected – say which: make PYTHON=python3.12" >&2; exit 2; }
	@test ! -e "$(VENV)" || test -e "$(VENV)/pyvenv.cfg" || { echo \
	  "error: $(VENV) is not an environment – it would be emptied to make one – give another folder as VENV" >&2; exit 2; }
	@echo "Making the environment in $(VENV), once."
	@$(PYTHON) -m venv --clear "$(VENV)"
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > "$(VENV)/uv.lock"
	@{ $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$(VENV)/uv.lock" \
	  && $(BIN)/uv venv --quiet --relocatable --allow-existing --no-project --python "$(BIN)/python" "$(VENV)" \
	  && $(BIN)/uv pip install --quiet --python "$(BIN)/python" --no-deps --require-hashes -r requirements.lock; } \
	  || { echo "uv could not do it; installing with pip, which takes a few minutes."; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock; }
	@touch "$@"
