# Everything a machine needs to run the demo, the tests, the linters and the benchmarks.
# The environment is made once and remade when pyproject.toml changes.

PYTHON ?= $(shell for candidate in python3 python3.13 python3.12 python3.11; do \
	command -v $$candidate >/dev/null 2>&1 && \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	echo $$candidate && break; done)
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
SOURCES := pyproject.toml README.md LICENSE $(shell find activitysmith_jupyter -type f -not -name '*.pyc')
# Chromium for the tests that look at pages, with fonts so that pictures have text; curl runs the
# code that the composer writes for it.
# PySpark is tested where the Java is that it needs; it is large, and nothing else needs it.
HAS_JAVA := $(shell java -version 2>&1 | grep -qE 'version "(1[7-9]|[2-9][0-9])' && echo yes)
DEBIAN_TEST_PACKAGES := chromium curl fonts-dejavu-core fonts-inter fonts-noto-color-emoji

export DEMO_SECONDS ?= 30
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test lint audit docs bench format clean
.DEFAULT_GOAL := help

help:  ## Show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

# --system-site-packages is off, so that nothing of the machine leaks into the tests. Debian and
# Ubuntu split venv from python3; install it where it is missing.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		version=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		$(SUDO) apt-get update -q && \
		$(SUDO) apt-get install -y -q --no-install-recommends python$$version-venv; }
	$(PYTHON) -m venv $(VENV)

# The package as users get it: the built wheel, never the source tree.
$(VENV)/.installed: $(BIN)/python $(SOURCES)
	@rm -rf dist
	$(BIN)/python -m pip install -q --upgrade build
	$(BIN)/python -m build -q --wheel --outdir dist .
	$(BIN)/python -m pip install -q --force-reinstall --no-deps dist/*.whl
	$(BIN)/python -m pip install -q dist/*.whl
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/python -m pip install -q "$$(ls dist/*.whl)[test]"
	@touch $@

$(VENV)/.sparked: $(VENV)/.tested
	$(BIN)/python -m pip install -q "$$(ls dist/*.whl)[spark]"
	@touch $@

$(VENV)/.linted: $(VENV)/.tested
	$(BIN)/python -m pip install -q "$$(ls dist/*.whl)[lint]"
	@touch $@

.PHONY: browser
browser:
	@command -v chromium >/dev/null 2>&1 && command -v curl >/dev/null 2>&1 || { \
		$(SUDO) apt-get update -q && \
		$(SUDO) apt-get install -y -q --no-install-recommends $(DEBIAN_TEST_PACKAGES); }

demo: $(VENV)/.installed  ## Train a classifier and watch it on the emulated phone
	$(BIN)/activitysmith-jupyter demo

# The browser tests hold an event loop of their own, which asyncio tests of one process would meet.
test: $(VENV)/.tested $(if $(HAS_JAVA),$(VENV)/.sparked) browser  ## Run all tests against the built wheel
	$(BIN)/pytest tests --ignore=tests/browser --ignore=tests/spark $(PYTEST_ARGS)
	$(BIN)/pytest tests/browser $(PYTEST_ARGS)
ifdef HAS_JAVA
	$(BIN)/pytest tests/spark $(PYTEST_ARGS)
else
	@echo "PySpark was not tested: there is no Java 17 or newer here"
endif

lint: $(VENV)/.linted  ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

audit: $(VENV)/.linted  ## Look up known vulnerabilities of the dependencies, where that can be had
	$(BIN)/python .ci/audit.py

format: $(VENV)/.linted  ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.documented: $(VENV)/.installed
	$(BIN)/python -m pip install -q "$$(ls dist/*.whl)[docs]"
	@touch $@

docs: $(VENV)/.documented  ## Build the pages of the documentation
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

$(VENV)/.benched: $(VENV)/.tested
	$(BIN)/python -m pip install -q "$$(ls dist/*.whl)[bench]"
	@touch $@

bench: $(VENV)/.benched  ## Print the tables of the documentation, and draw its plot
	$(BIN)/python benchmarks/overhead.py --plot docs/images/overhead.png
	$(BIN)/python benchmarks/pacing.py
	$(BIN)/python benchmarks/faults.py
	$(BIN)/python benchmarks/frames.py
	$(BIN)/python benchmarks/watchdog.py

clean:  ## Remove what was built
	rm -rf $(VENV) dist build docs/_build
