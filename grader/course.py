"""Where the course's own files lie (exercises, solutions, chapters, _config.yml), and at which addresses its site and its source are.

In the course's folder they lie beside the grader. Where the course is installed they lie within it, as setup.py put them there. Any Python 3 can read
this file, for an old one is to be told.
"""

import re
from functools import lru_cache
from pathlib import Path

GRADER = Path(__file__).resolve().parent
PACKED = GRADER / "packed"
INSTALLED = PACKED.is_dir()
ROOT = PACKED if INSTALLED else GRADER.parent
ADDRESS = r"[A-Za-z0-9][\w.@:/~%+-]*|/[\w./~%+-]*"  # of a repository: nothing in it means anything to a shell, to Python, YAML or GitHub


def notebooks() -> list:
    """The course's own notebooks, one for each exercise, in order: the solutions or, in a course that was handed out without them, the exercises."""
    folders = [sorted((ROOT / folder).glob("[0-9][0-9]_*.ipynb")) for folder in ("solutions", "exercises")]
    kept = [[path for path in folder if re.match(r"\d\d_\w+$", path.stem)] for folder in folders]  # not somebody's 01_formula-Copy1
    return kept[0] or kept[1]


def is_called(name, word) -> bool:
    """Whether a word, a number or a name ("03", "3", "backward", "03_backward"), means the exercise of that name."""
    return word in (name, name[:2], name[3:], name[:2].lstrip("0"))


def site() -> str:
    """The site's address, html: baseurl: of _config.yml, without a slash at its end; empty where it has none."""
    found = re.match("https?://.*", _setting("html", "baseurl"))
    return found.group().rstrip("/") if found else ""


def repository() -> str:
    """Where the course is fetched from, repository: url: of _config.yml; empty where there is none that is an ADDRESS."""
    found = re.fullmatch(ADDRESS, _setting("repository", "url"))
    return found.group() if found else ""


def package() -> str:
    """The repository as pip installs it; empty where it cannot be fetched without an account."""
    kinds = {"https://": f"git+{repository()}", "/": f"git+file://{repository()}"}
    return next((address for start, address in kinds.items() if repository().startswith(start)), "")


def colab(name: str) -> str:
    """The address at which Colab opens an exercise; empty where the repository is not GitHub's."""
    host, _, path = repository().removesuffix(".git").partition("github.com/")
    branch = _setting("repository", "branch") or "main"
    return f"https://colab.research.google.com/github/{path}/blob/{branch}/exercises/{name}.ipynb" if path and host == "https://" else ""


@lru_cache(maxsize=None)
def _setting(block, key):
    """A text of _config.yml; empty where there is none."""
    config = ROOT / "_config.yml"
    text = config.read_text(encoding="utf-8") if config.is_file() else ""
    found = re.search(r"^%s:[ \t]*(?:#.*)?\n(?:[ \t].*\n|\n)*?[ \t]+%s:[ \t]*[\"']?([^\s\"'#]+)" % (block, key), text, re.MULTILINE)
    return found.group(1) if found else ""
