# Everything a developer does. `make help` lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Options of `make test`: make test T=tests/learning PYTEST="-k queue -x" JOBS=2
T ?=
PYTEST ?=
JOBS ?= 2

BIN := .venv/bin
LOCKED := .venv/.locked
INSTALLED := .venv/.installed
NODE_MODULES := clients/node_modules/.installed
IMAGE := .build/contract.binpb

UV_VERSION := 0.13.8
UV_COMPILE := .build/uv/bin/uv pip compile pyproject.toml --quiet --color never --universal --python-version 3.11 \
	--fork-strategy fewest --generate-hashes --no-header

.PHONY: help
help: ## Show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

# --- Environments -----------------------------------------------------------------------------------------------------

.PHONY: install
install: $(INSTALLED) ## Make .venv with the locked dependencies and the project itself

define FIND_PYTHON
found=; \
for candidate in $${PYTHON:-} python3.13 python3.12 python3.11 python3 python; do \
	if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
		> /dev/null 2>&1; then found=$$candidate; break; fi; \
done; \
if [ -z "$$found" ]; then \
	echo 'Kaiwa needs Python 3.11, 3.12 or 3.13 with the venv module (on Debian: apt install python3-venv).' >&2; \
	echo 'None of python3.13, python3.12, python3.11 and python3 fits; name one with PYTHON=/path/to/python.' >&2; \
	exit 1; \
fi
endef

$(LOCKED): requirements-dev.lock
	@if ! $(BIN)/python -m pip --version > /dev/null 2>&1; then \
		$(FIND_PYTHON); "$$found" -m venv --clear .venv; \
	fi
	@echo 'Installing the locked dependencies into .venv (about a minute the first time) ...'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(NODE_MODULES): clients/package-lock.json clients/package.json
	@if ! command -v npm > /dev/null; then \
		echo 'Generating and checking the TypeScript code needs Node 20 or later with npm.' >&2; exit 1; \
	fi
	@cd clients && npm ci --loglevel=error --no-progress > /dev/null
	@touch $@

# --- Everyday ---------------------------------------------------------------------------------------------------------

.PHONY: run
run: $(INSTALLED) ## Start PostgreSQL, the server and Envoy here, with demo users
	@exec $(BIN)/kaiwa-server up

.PHONY: test
test: $(INSTALLED) ## Run the tests (T=path, PYTEST="options", JOBS=n)
	@$(BIN)/python -m pytest $(if $(filter-out 0 1,$(JOBS)),-n $(JOBS)) $(PYTEST) $(T)

.PHONY: fix
fix: $(INSTALLED) ## Format the code and mend what ruff can
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

.PHONY: check
check: check-format check-lint check-types check-contract check-generated check-clients ## Format, lint, types, contract, generated code

.PHONY: check-format
check-format: $(INSTALLED)
	@$(BIN)/ruff format --check --quiet --output-format concise . || { echo 'format: run `make fix`' >&2; exit 1; }
	@echo 'format      ok'

.PHONY: check-lint
check-lint: $(INSTALLED)
	@$(BIN)/ruff check --quiet --output-format concise .
	@echo 'lint        ok'

.PHONY: check-types
check-types: $(INSTALLED)
	@$(BIN)/mypy --no-error-summary
	@echo 'types       ok'

# --- The contract -----------------------------------------------------------------------------------------------------

.PHONY: generate
generate: $(INSTALLED) $(NODE_MODULES) ## Rebuild generated/ from protos/
	@$(BIN)/python protos/generate.py

.PHONY: baseline
baseline: $(INSTALLED) ## Accept the present contract as the one that must not break (say so in CHANGELOG.md)
	@$(BIN)/python protos/generate.py --baseline

.PHONY: check-contract
check-contract: $(INSTALLED)
	@$(BIN)/python protos/generate.py --image $(IMAGE)
	@$(BIN)/buf lint $(IMAGE) --config buf.yaml --path kaiwa
	@$(BIN)/buf breaking $(IMAGE) --against protos/baseline.binpb --config buf.yaml --path kaiwa || { \
		echo 'The contract breaks its clients. Before 1.0 that is allowed: run `make baseline`, tell CHANGELOG.md.' >&2; \
		exit 1; \
	}
	@echo 'contract    ok'

.PHONY: check-generated
check-generated: $(INSTALLED) $(NODE_MODULES)
	@$(BIN)/python protos/generate.py --check
	@echo 'generated   ok'

.PHONY: check-clients
check-clients: $(NODE_MODULES)
	@cd clients && npm run --silent check
	@echo 'typescript  ok'

# --- Measurements -----------------------------------------------------------------------------------------------------

.PHONY: bench-speech
bench-speech: $(INSTALLED) ## Measure the speech engine with many speakers, against faster-whisper (half an hour)
	@$(BIN)/python -m bench.speech --plot docs/benchmarks/speech.svg | tee .build/bench-speech.jsonl

.PHONY: bench-practice
bench-practice: $(INSTALLED) ## Practise every shared recording at the speed of speech (needs a running server)
	@$(BIN)/python -m bench.practice_bar $(if $(ADDRESS),--address $(ADDRESS))

.PHONY: bench-transcription
bench-transcription: $(INSTALLED) ## Measure recognition: accuracy against the full window, non-speech, time
	@$(BIN)/python -m bench.transcription

.PHONY: bench-content
bench-content: $(INSTALLED) ## Measure content: readings and accents against checked sentences, imports of all of Tatoeba
	@$(BIN)/python -m bench.content

.PHONY: bench-accounts
bench-accounts: $(INSTALLED) ## Measure what 20 sign-ins at once do to other calls, and what the time of answers tells
	@$(BIN)/python -m bench.accounts

.PHONY: bench-assessment
bench-assessment: $(INSTALLED) ## Measure assessment on planted errors and human speech (KEEP=1 writes docs/benchmarks)
	@$(BIN)/python -m bench.assessment $(if $(KEEP),--keep)

.PHONY: calibrate-assessment
calibrate-assessment: $(INSTALLED) ## Derive the figures of accents and rhythm anew, into server/speech/assessment.toml
	@$(BIN)/python -m bench.assessment.calibrate

.PHONY: bench-jobs
bench-jobs: $(INSTALLED) ## Kill workers at random points of 1,000 jobs, count what was done twice or not at all
	@$(BIN)/python -m bench.jobs

.PHONY: bench-learning
bench-learning: $(INSTALLED) ## Measure scheduling, the optimiser, and learning on a large database (about 5 GB)
	@$(BIN)/python -m bench.learning $(if $(LEARNERS),--learners $(LEARNERS))

# --- Rare -------------------------------------------------------------------------------------------------------------

.PHONY: lock
lock: .build/uv/bin/uv ## Resolve the dependencies anew (UPGRADE=--upgrade takes newer versions)
	@$(UV_COMPILE) $(UPGRADE) --group dev -o requirements-dev.lock
	@cp requirements-dev.lock requirements.lock
	@$(UV_COMPILE) -o requirements.lock
	@# It is told of the Pythons below 3.14 only; repeating that on every line would hide what else the markers say.
	@for lock in requirements.lock requirements-dev.lock; do \
		sed -E "s/python_full_version < '3\.14' and //g; s/ ; python_full_version < '3\.14'( \\\\)$$/\1/" $$lock > .build/lock; \
		cat .build/lock > $$lock; \
	done

.build/uv/bin/uv: Makefile
	@$(FIND_PYTHON); "$$found" -m venv .build/uv
	@.build/uv/bin/python -m pip install -qq --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.PHONY: clean
clean: ## Remove the environments, caches and build products (not the data in .kaiwa)
	@rm -rf .venv .build dist clients/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
