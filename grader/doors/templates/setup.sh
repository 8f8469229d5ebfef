#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image: Python, the grader with its packages, and bubblewrap for the sandbox.
# AUTOGRADER names another folder than /autograder, to try it elsewhere; then nothing is installed into the system.
set -euo pipefail
root=${AUTOGRADER:-/autograder}

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2> /dev/null; }
installed() { for python in python3.13 python3.12 python3.11 python3; do fits $python && echo $python && return; done; return 1; }

if [ "$root" = /autograder ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq bubblewrap || echo "No bubblewrap: notebooks will be graded without a sandbox."
  installed > /dev/null || for version in 3.13 3.12 3.11; do
    apt-get install -y -qq python$version && break
  done
  apt-get install -y -qq "$(installed)-venv" || true  # which Ubuntu's Python lacks
fi

if [ ! -x "$root/venv/bin/python" ]; then
  python=$(installed) || { echo "There is no Python 3.11 to 3.13 here: choose a newer Ubuntu for the autograder."; exit 1; }
  $python -m venv "$root/venv"
fi
install() { "$root/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
# The build of torch for machines without a GPU takes a tenth of the room; where it is not to be had, the next line installs the usual one.
install torch=={{ torch }} --index-url https://download.pytorch.org/whl/cpu || true
install --constraint "$root/source/constraints.txt" --editable "$root/source"
