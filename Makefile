# make demo: try the suite without a model. make test: the suite's own tests. Both set up .venv if it is missing.
# make chaos: every fault, 50 kills, attacks; writes the tables in docs/reliability.md. make audit: known vulnerabilities.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# tests start hundreds of processes: let them keep compiled modules, as Python does by default. They wait for servers more
# often than for a core, so there are three workers; the tests of a file share one worker, and fixtures are made once
unexport PYTHONDONTWRITEBYTECODE
INSTALLED := $(VENV)/.installed
SOURCES := scoring reports synthetic qcal_plugin test_qcaleval

.PHONY: demo test check audit bench chaos pictures clean

# the first 87 samples are one of each scenario type; the later ones appear in ICL prompts but are not asked about
demo: $(INSTALLED)
	$(BIN)/python -m pytest --demo --baseline nearest --control blank --judge-baselines --floors --limit 87 -q

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 3 --dist loadfile

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry . 2>&1
	$(BIN)/codespell
	$(BIN)/python -m tests.prose
	@if [ -d ../shared/conformance ]; then $(BIN)/python -m scoring.conformance ../shared/conformance; fi

# known vulnerabilities of installed packages; bandit on our code, whose exceptions have reasons. Findings are warnings
audit: $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --editable '.[audit]' || echo "warning: pip-audit and bandit cannot be installed"
	@$(BIN)/pip-audit --local --skip-editable --progress-spinner off || echo "warning: pip-audit has findings, or no network"
	@$(BIN)/bandit --quiet --recursive --severity-level medium $(SOURCES) || echo "warning: bandit has findings"

# the pictures in README and docs: docs/*.png
pictures: $(INSTALLED)
	$(BIN)/python -m bench.pictures

bench: $(INSTALLED)
	$(BIN)/python -m bench

chaos: $(INSTALLED)
	$(BIN)/python -m tests.fault_matrix
	$(BIN)/python -m tests.kill_and_resume
	$(BIN)/python -m tests.attack

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12"; exit 1; }
	@test ! -d $(VENV) || $(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "$(VENV) has another Python or is incomplete: it is made again"; rm -rf $(VENV); }
	@echo "setting up $(VENV): this takes a minute or two"
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
