# SPDX-License-Identifier: AGPL-3.0-or-later
# Every target sets up .venv by itself. Another interpreter: make test PYTHON=python3.12
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
READY_TO_RUN := $(VENV)/.ready-to-run

MAKEFLAGS += --no-print-directory
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# A test that hangs fails after this many seconds, with a traceback of where.
PYTEST := $(PY) -m pytest --timeout=120 --cov --cov-report=term-missing:skip-covered

.PHONY: help demo test check static build run clean

help:
	@echo "make demo    two homeservers, the bot, and one migration, live; KEEP=1 leaves them up"
	@echo "make test    everything: lint, types, and all tests"
	@echo "make check   lint, types and the pure tests, in seconds"
	@echo "make build   dist/*.mbp for a maubot server"
	@echo "make run     the bot, standalone, as config.yaml says"
	@echo "make clean   removes what these made, but no configuration and no database"

demo: $(READY)
	@$(PY) scripts/demo.py $(if $(KEEP),--keep) $(if $(SCENE),--scene $(SCENE))

test: static
	@$(PYTEST) tests

check: static
	@$(PYTEST) tests/core tests/chat

static: $(READY)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

build: $(READY_TO_RUN)
	@$(PY) scripts/build.py

run: $(READY_TO_RUN)
	@$(PY) scripts/run.py

clean:
	@rm -rf $(VENV) dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find migrationbot scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

# $(call install,FILE): an environment holding exactly what the file pins. Scripts inside .venv carry its
# absolute path, so everything is called as `python -m`: a copied checkout keeps working.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "migrationbot needs Python 3.11 or newer, and $(PYTHON) is not. Name one: make $(MAKECMDGOALS) PYTHON=python3.12"; \
	  exit 1; }
	@$(PY) -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV) || { \
	  echo "Could not make $(VENV). On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing $(1) into $(VENV) (once; a minute or two)"
	@$(PY) -m pip install --quiet --requirement $(1)
	@touch $@
endef

$(READY): requirements/runtime.txt requirements/encryption.txt requirements/test.txt requirements/lint.txt
	$(call install,requirements/lint.txt)

$(READY_TO_RUN): requirements/runtime.txt requirements/encryption.txt
	$(call install,requirements/encryption.txt)
