# SPDX-License-Identifier: AGPL-3.0-or-later
# Every target sets up .venv by itself. Another interpreter: make test PYTHON=python3.12
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
READY_TO_RUN := $(VENV)/.ready-to-run
AUDIT_VENV := $(VENV)/audit
READY_TO_AUDIT := $(AUDIT_VENV)/.ready

MAKEFLAGS += --no-print-directory
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# A test that hangs fails after this many seconds, with a traceback of where.
PYTEST := $(PY) -m pytest --timeout=120 -n 2
COVERED := --cov --cov-report=term-missing:skip-covered

.PHONY: help demo picture test faults bench check static build run audit clean

help:
	@echo "make demo    two homeservers, the bot, and one migration, live; KEEP=1 leaves them up, SCENE=guide, v12, encrypted, lost or handover shows another"
	@echo "make picture the README's transcript and picture, from a demo of now"
	@echo "make test    everything: lint, types, and all tests"
	@echo "make faults  every fault at every request of a move, on both databases, and 200 kills: an hour"
	@echo "make bench   how fast and how frugal the bot is, as a table; some minutes"
	@echo "make check   lint, types and the pure tests, in seconds"
	@echo "make build   dist/*.mbp for a maubot server"
	@echo "make run     the bot, standalone, as config.yaml says"
	@echo "make audit   asks the package index which of the pinned packages have known vulnerabilities"
	@echo "make clean   removes what these made, but no configuration and no database"

demo: $(READY)
	@$(PY) -m scripts.demo $(if $(KEEP),--keep) $(if $(SCENE),--scene "$$SCENE")

picture: $(READY)
	@$(PY) -m scripts.picture

# Two processes with servers of their own, each file in one of them: most tests wait for a server.
test: static
	@$(PYTEST) --dist loadfile $(COVERED) tests

# FAULTS="--help" tells how to try a part of it.
faults: $(READY)
	@$(PY) -m scripts.faults $(FAULTS)

# BENCH="--help" tells how to measure a part of it.
bench: $(READY)
	@$(PY) -m scripts.bench $(BENCH)

check: static
	@$(PYTEST) --dist worksteal tests/core tests/chat

static: $(READY)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

build: $(READY_TO_RUN)
	@$(PY) scripts/build.py

run: $(READY_TO_RUN)
	@$(PY) -m scripts.run

# Each file by itself, for what one includes is not followed. A package that nobody could tell of is a failure
# too: silence is not a clean bill of health.
audit: $(READY_TO_AUDIT)
	@$(AUDIT_VENV)/bin/python -m pip_audit --strict --no-deps --disable-pip --progress-spinner off \
	  $(patsubst %,--requirement %,$(sort $(wildcard requirements/*.txt))) || { \
	  echo "Something is known to be vulnerable, or could not be looked up: see above."; exit 1; }

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

# python-olm has no wheels for some systems and Pythons, and is not worth a C++ compiler to everybody.
$(READY_TO_RUN): requirements/runtime.txt requirements/encryption.txt
	$(call install,requirements/runtime.txt)
	@$(PY) -m pip install --quiet --only-binary python-olm --requirement requirements/encryption.txt || \
	  echo "Going on without the packages for encryption: the bot will stay silent in encrypted rooms."

$(READY_TO_AUDIT): VENV := $(AUDIT_VENV)
$(READY_TO_AUDIT): PY := $(AUDIT_VENV)/bin/python
$(READY_TO_AUDIT): requirements/audit.txt
	$(call install,requirements/audit.txt)
