"""What the course needs, by pyproject.toml or the installed package. Any Python 3 can read this file, for an old one is to be told.

As a program: says in one line what is wrong with this Python, if anything.
"""

import re
import sys

from . import course

_OTHER_PYTHON = "Install it into a Python {}." if course.INSTALLED else "Try: make PYTHON=python{}"


def problem():
    """What is wrong with this Python or its packages, in one line that ends with the cure; empty if nothing is."""
    return python_problem() or next(filter(None, map(package_problem, needed())), "")


def python_problem():
    """As `problem`, of Python alone."""
    wanted = re.search('requires-python = "(.*)"|Requires-Python: (.*)', _project())
    return _outside("Python", "%d.%d.%d" % sys.version_info[:3], wanted.group(1) or wanted.group(2), _OTHER_PYTHON)


def package_problem(name):
    """As `problem`, of one of the needed packages. It is not imported."""
    from importlib import metadata

    try:
        return _outside(name, metadata.version(name), needed()[name], install(name))
    except metadata.PackageNotFoundError:
        return "%s is not installed here. %s" % (name, install(name))


def install(name):
    """What to do for a package that is missing or of another version."""
    return 'Try: pip install "%s%s"' % (name, needed().get(name, "")) if course.INSTALLED else "Run `make`, or: pip install -r requirements.txt"


def needed():
    """The packages that the grader needs, each with the versions that will do: {"torch": ">=2.11,<2.16", "rich": "", ...}."""
    text = _project()
    block = re.search(r"\ndependencies = \[(.*?)\]", text, re.DOTALL)
    if block:
        return dict(re.findall(r'"([\w-]+)([^"]*)"', block.group(1)))
    return dict(re.findall(r"^Requires-Dist: ([\w-]+)((?:(?!extra ==).)*)$", text, re.MULTILINE))


def _project():
    """The text that says so."""
    project = course.ROOT / "pyproject.toml"
    if project.is_file():
        text = project.read_text(encoding="utf-8")
        if 'name = "linear-inside-out"' in text:
            return text
    from importlib import metadata

    return str(metadata.metadata("linear-inside-out"))


def _outside(name, version, wanted, cure):
    """The line about a version that lies outside a range such as ">=3.11,<3.14"; empty where there is no such range, or it lies inside."""
    bounds = {sign: (int(major), int(minor)) for sign, major, minor in re.findall(r"(>=|<)(\d+)\.(\d+)", wanted)}
    found = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    low, high = bounds.get(">=", (0, 0)), bounds.get("<", (999, 0))
    if low <= found < high:
        return ""
    newest = "%d.%d" % (high[0], high[1] - 1)
    known = "%d.%d %s" % (*low, "to " + newest if "<" in bounds else "or newer")
    return "The course runs with %s %s; this is %s. %s" % (name, known, version, cure.format(newest))


if __name__ == "__main__":
    sys.exit(python_problem() or 0)
