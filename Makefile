# Commands of the template. They need Python 3.11 to 3.13, git and make. All output is under build/.
# Another Python: make PYTHON=python3.12 demo.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export BUILD := $(CURDIR)/build
# Silence mkdocs-material's upgrade notice.
export NO_MKDOCS_2_WARNING := 1
export PRODUCT_ENV := $(BUILD)/env
KITS := churn price feedback bare
OURS := hooks tests benchmarks
ENGINE := <<cookiecutter.project>>/engine
ENGINE_PYTEST := "$(PRODUCT_ENV)/bin/python" -m pytest
ENGINE_TESTS := $(ENGINE_PYTEST) -m "not long" tests/engine
# The tests that depend on the task also run for the second kit. Its tests of the gate are those of a
# project of this kit, which tests/template runs.
SECOND_KIT := PRODUCT_KIT=price $(ENGINE_PYTEST) -m "not long" tests/engine/tasks/test_training.py
ENGINE_TESTS_LONG := $(ENGINE_PYTEST) -m long tests/engine && \
  PRODUCT_KIT=price $(ENGINE_PYTEST) $(addprefix tests/engine/,data/test_generated_rows.py tasks/test_scoring.py tasks/test_monitoring.py \
  service/test_accelerate.py service/test_service.py)

# Where Python may not write compiled files, each command would compile thousands of modules again.
COMPILED := $(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode)
LOCKED := $(VENV)/.locked-$(shell cksum < requirements.lock | cut -d ' ' -f 1)
BAKE := $(BIN)/cookiecutter --default-config --no-input --overwrite-if-exists

.DEFAULT_GOAL := help
# With make -j, several targets would create the environment of a project at once.
.NOTPARALLEL:
.PHONY: help demo test test-long test-product check check-engine $(addprefix check-,$(KITS)) docs fix lock
.PHONY: bench bench-serve bench-scoring bench-alarms bench-decisions bench-years bench-text bench-leaks build/bench-env
.PHONY: build/product-env clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F '|' '{ printf "%-20s%s\n", $$1, $$2 }'

demo: $(LOCKED) ## generate a project in build/churn-radar and simulate twelve weeks; keep its environment
	@mkdir -p build/churn-radar
	@find build/churn-radar -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
	@$(BAKE) --output-dir build "$(CURDIR)" > build/bake.txt || { cat build/bake.txt; exit 1; }
	@echo "Generated build/churn-radar. Now running make demo there."
	@$(MAKE) --no-print-directory -C build/churn-radar VENV=.venv DEMO='--folder .' demo

# Several processes share the cores. The threads of OpenMP would wait for each other and cost time.
test test-long test-product: export OMP_NUM_THREADS ?= 1

test: build/product-env ## test the engine, then generate a project from each kit and use it as its owner would
	@$(call BESIDE_EACH_OTHER,$(ENGINE_TESTS),$(BIN)/python -m pytest -m "not long" && $(SECOND_KIT))

test-long: build/product-env ## run the long tests: servers, moved folders, many requests, the other cases
	@$(call BESIDE_EACH_OTHER,$(ENGINE_TESTS_LONG),$(BIN)/python -m pytest -m long)

# The engine's tests run in the background, because both wait for servers. A shell without job control
# lets background processes ignore Ctrl-C, so the trap ends them.
define BESIDE_EACH_OTHER
echo "The engine's tests run in the background and write to build/tests-engine.txt."; \
{ $(1); } > build/tests-engine.txt 2>&1 & engine=$$!; trap 'kill $$engine' INT TERM; \
$(2); template=$$?; wait $$engine; engine=$$?; \
grep -E '^(FAILED|ERROR)|^[0-9]+ (passed|failed)|=== .*(passed|failed|error)' build/tests-engine.txt; \
test $$engine -eq 0 || tail -n 100 build/tests-engine.txt; \
test $$template -eq 0 && test $$engine -eq 0
endef

# Two of them can run beside each other in two places.
PLACE ?= build/test-product
test-product: $(LOCKED) ## generate a project, train it, run its tests; PYTHON=python3.13 selects another Python
	@rm -rf $(PLACE) && $(BAKE) --output-dir $(PLACE) "$(CURDIR)" > /dev/null
	@$(MAKE) --no-print-directory -C $(PLACE)/churn-radar VENV=.venv run test

# The other scripts of benchmarks/ run in a project's environment.
BENCHMARKS := $(addprefix benchmarks/,sitting.py training.py serving.py scoring.py)

check: $(LOCKED) ## check lint, format, types, docs, and a project of each kit; change nothing
	@$(BIN)/ruff check --quiet $(OURS)
	@$(BIN)/ruff format --quiet --check $(OURS)
	@$(BIN)/python tests/language.py
	@$(BIN)/mypy hooks tests/template tests/language.py $(BENCHMARKS)
	@$(BIN)/mkdocs build --quiet --strict --site-dir build/site
	@$(MAKE) --no-print-directory check-engine $(addprefix check-,$(KITS))

$(addprefix check-,$(KITS)): check-%: $(LOCKED)
	@rm -rf build/check/$*
	@$(BAKE) --output-dir build/check/$* "$(CURDIR)" kit=$* > /dev/null
	@echo "Checking a project of the kit $*:"
	@$(MAKE) --no-print-directory -C build/check/$*/churn-radar VENV="$(PRODUCT_ENV)" check

# The engine is checked directly, in the environment of a project.
check-engine: build/product-env
	@"$(PRODUCT_ENV)/bin/ruff" check --quiet "$(ENGINE)"
	@"$(PRODUCT_ENV)/bin/ruff" format --quiet --check "$(ENGINE)"
	@cd "$(ENGINE)" && "$(PRODUCT_ENV)/bin/python" -m mypy
	@"$(PRODUCT_ENV)/bin/python" -m mypy --config-file tests/engine/mypy.ini

docs: $(LOCKED) ## build the documentation in build/site
	@$(BIN)/mkdocs build --quiet --strict --site-dir build/site
	@echo "build/site/index.html"

# The first call of ruff may find what it cannot fix; the last one reports it.
fix: $(LOCKED) ## format the code and fix what the linter can fix
	@$(BIN)/ruff check --quiet --fix $(OURS) "$(ENGINE)" || true
	@$(BIN)/ruff format --quiet $(OURS) "$(ENGINE)"
	@$(BIN)/ruff check $(OURS) "$(ENGINE)"

lock: $(LOCKED) ## update requirements.lock from pyproject.toml
	@$(BIN)/uv pip compile --group pyproject.toml:dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --upgrade --quiet --output-file requirements.lock

bench: build/bench-env ## compare our training flow with a plain script
	@$(BIN)/python benchmarks/training.py

bench-scoring: build/bench-env ## compare scoring, logging and monitoring of a day with scoring alone
	@$(BIN)/python benchmarks/scoring.py

bench-alarms: build/bench-env ## measure false alarms, detected changes and cost of the alarms
	@cd build/bench-env/churn-radar && PYTHONPATH=engine/src "$(PRODUCT_ENV)/bin/python" $(CURDIR)/benchmarks/alarms.py

bench-decisions: build/bench-env ## measure wrong decisions of the gate with a known truth; ARGS="--problem binary --rows 500"
	@PYTHONPATH="$(ENGINE)/src" "$(PRODUCT_ENV)/bin/python" benchmarks/decisions.py $(ARGS)

bench-years: build/bench-env ## simulate years of weekly retraining with a known truth; ARGS="--family binary --years 20"
	@PYTHONPATH="$(ENGINE)/src" "$(PRODUCT_ENV)/bin/python" benchmarks/years.py $(ARGS)

bench-text: build/bench-env ## measure the models for texts, on the files in DATA=folder or on synthetic messages
	@PYTHONPATH="$(ENGINE)/src" "$(PRODUCT_ENV)/bin/python" benchmarks/text.py $(if $(DATA),--data "$(DATA)")

bench-leaks: build/bench-env ## plant leaks in clean tables and count those that are found; DATA=folder adds tables
	@PYTHONPATH="$(ENGINE)/src" "$(PRODUCT_ENV)/bin/python" benchmarks/leaks.py $(if $(DATA),--data "$(DATA)")

bench-serve: build/bench-env ## compare our service with a plain application with the same model
	@$(BIN)/python benchmarks/serving.py

# The environment of a project, created by its own Makefile.
build/product-env: $(LOCKED)
	@rm -rf build/product-env && $(BAKE) --output-dir build/product-env "$(CURDIR)" > /dev/null
	@$(MAKE) --no-print-directory -C build/product-env/churn-radar VENV="$(PRODUCT_ENV)" locked

build/bench-env: $(LOCKED)
	@rm -rf build/bench-env && $(BAKE) --output-dir build/bench-env "$(CURDIR)" > /dev/null
	@$(MAKE) --no-print-directory -C build/bench-env/churn-radar VENV="$(PRODUCT_ENV)" locked

clean: ## remove all output
	@rm -rf build .venv .pytest_cache .mypy_cache .ruff_cache

# The same as in the Makefile of a project: a changed lock creates a new environment, with uv or else with pip.
$(LOCKED):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo \
	  "error: $(PYTHON) is $$($(PYTHON) --version 2>&1) – expected Python 3.11, 3.12 or 3.13 – set it: make PYTHON=python3.12" >&2; exit 2; }
	@test ! -e "$(VENV)" || test -e "$(VENV)/pyvenv.cfg" || { echo \
	  "error: $(VENV) is not an environment – it would be emptied to make one – give another folder as VENV" >&2; exit 2; }
	@echo "Making the environment in $(VENV), once."
	@$(PYTHON) -m venv --clear "$(VENV)"
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > "$(VENV)/uv.lock"
	@{ $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$(VENV)/uv.lock" \
	  && $(BIN)/uv venv --quiet --relocatable --allow-existing --no-project --python "$(BIN)/python" "$(VENV)" \
	  && $(BIN)/uv pip install --quiet $(COMPILED) --python "$(BIN)/python" --no-deps --require-hashes -r requirements.lock; } \
	  || { echo "uv could not do it; installing with pip, which takes a few minutes."; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock; }
	@touch "$@"
