# Everything starts here; a fresh machine needs Python 3.11 or newer, git and make.
#
#   make demo    install, build the demo world, start everything, print how to sign in
#   make test    install, run every test on SQLite, then on PostgreSQL and Redis those that touch a
#                database or a worker (ARGS="-k freeze" runs some; FIU_TEST_EVERYTHING=1 takes the
#                long ones there too, such as the matrix)
#   make test-sqlite   the first of the two rounds
#   make fast    add the compiled kernels for large ledgers (210 MB)
#   make learn   add what trains the learned score (190 MB)
#   make scale   add the engines of whole-ledger jobs (230 MB)
#   make bench   the engine beside its peers, written to docs/benchmarks.md (more transactions:
#                ARGS="--sizes 5000000,20000000"); `make bench-load` measures pages with 20 people
#                over 20,000 cases, `make bench-desk` what one person waits for
#   make check   format, types, imports, migrations, deployment settings
#   make audit   known vulnerabilities of the packages in the lock; needs a network
#   make tour    play the main job in a browser and write docs/tour.md

SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
PORT ?= 8000
ARGS ?=
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --no-input --no-compile
UV := $(VENV)/bin/uv
# uv takes a fifth of pip's time, but reads none of its settings: where they name an index, and where
# uv cannot be had, pip does it.
install = { [ -x $(UV) ] && ! $(PY) -m pip config list | grep -q '\.index-url=' && \
    $(UV) pip install --quiet --system-certs --python $(PY) -r $(1); } || $(PIP) -r $(1)
# A machine may forbid it: each of the many processes would then compile our sources again.
export PYTHONDONTWRITEBYTECODE :=
# Compiled here on all cores, our own sources too, and without the tests of packages: 30 MB less.
COMPILE := $(PY) -m compileall -qq -j 0 -x /tests/ $(VENV)/lib fiu cases tracing

.PHONY: demo test test-sqlite fast learn scale bench bench-load bench-desk check audit tour format clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.runtime
	@exec $(PY) manage.py up --demo --port $(PORT)

test: $(VENV)/.dev
	@exec $(PY) -m tests $(ARGS)

test-sqlite: $(VENV)/.dev
	@FIU_TEST_ROUND=sqlite exec $(PY) -m tests $(ARGS)

fast: $(VENV)/.fast

scale: $(VENV)/.scale

learn: $(VENV)/.learn

bench: $(VENV)/.dev
	@exec $(PY) -m tests.bench $(ARGS)

bench-load: $(VENV)/.dev
	@exec $(PY) -m tests.bench.load $(ARGS)

bench-desk: $(VENV)/.dev
	@exec $(PY) -m tests.bench.interactive $(ARGS)

check: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) .ci/deployment_check.py

audit: $(VENV)/audit/.done
	@$(VENV)/audit/bin/python .ci/audit.py

tour: $(VENV)/.dev
	@FIU_TEST_TOUR=1 $(PY) -m pytest tests/browser -q -k tour $(ARGS)

format: $(VENV)/.dev
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# The stamps: packages are installed when a requirements file changed, and only then.

$(VENV)/.runtime: requirements.txt | $(PY)
	@echo "installing the packages of requirements.txt (once) ..." >&2
	@$(call install,requirements.txt)
	@$(COMPILE)
	@touch $@

$(VENV)/.fast: requirements.txt requirements-fast.txt | $(PY)
	@echo "installing the packages of requirements-fast.txt (once) ..." >&2
	@$(call install,requirements-fast.txt)
	@$(COMPILE)
	@touch $@ $(VENV)/.runtime

$(VENV)/.scale: requirements.txt requirements-scale.txt | $(PY)
	@echo "installing the packages of requirements-scale.txt (once) ..." >&2
	@$(call install,requirements-scale.txt)
	@$(COMPILE)
	@touch $@ $(VENV)/.runtime

$(VENV)/.learn: requirements.txt requirements-learn.txt | $(PY)
	@echo "installing the packages of requirements-learn.txt (once) ..." >&2
	@$(call install,requirements-learn.txt)
	@$(COMPILE)
	@touch $@ $(VENV)/.runtime

$(VENV)/.dev: requirements.txt requirements-fast.txt requirements-learn.txt requirements-scale.txt requirements-oidc.txt requirements-dev.txt | $(PY)
	@echo "installing the packages of requirements-dev.txt (once) ..." >&2
	@$(call install,requirements-dev.txt)
	@$(COMPILE)
	@touch $@ $(VENV)/.runtime $(VENV)/.fast $(VENV)/.learn $(VENV)/.scale

# Apart: what looks for holes in packages brings thirty of its own.
$(VENV)/audit/.done: .ci/audit.py | $(PY)
	@$(PY) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	@touch $@

$(PY):
	@for python in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11; do \
	    [ -n "$$python" ] && command -v "$$python" >/dev/null 2>&1 || continue; \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    echo "making the virtual environment with $$python ..." >&2; \
	    "$$python" -m venv $(VENV) && { $(PIP) uv==0.13.9 || true; } && \
	        exec $(PY) -m pip uninstall --quiet --yes setuptools; \
	done; \
	echo "Python 3.11 or newer is needed; PYTHON=/path/to/python3 names one." >&2; exit 1
