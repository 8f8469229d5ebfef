"""Where a reader finds a section of the course: in the book's files, and on its site where that has an address."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # of the course; installed without it, nothing of this is there


@cache
def _sections() -> dict[str, tuple[str, str]]:
    """Every label of a section: the chapter's name and the heading below the label."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "book").glob("[0-9][0-9]_*.md"))}
    return {label: (name, heading) for name, text in texts.items() for label, heading in re.findall(r"^\(([\w-]+)\)=\n#+ (.+)$", text, re.MULTILINE)}


def place_of(section: str) -> str:
    """A section in words: the chapter's file and the heading, or the label alone where there is no book."""
    if section not in _sections():
        return f"section {section}"
    name, heading = _sections()[section]
    return f"book/{name}.md, section “{heading}”"


@cache
def _site() -> str:
    """The site's address by _config.yml, without a slash at its end; empty where it has none."""
    config = ROOT / "_config.yml"
    text = config.read_text(encoding="utf-8") if config.is_file() else ""
    found = re.search(r"^html:\n(?:[ \t].*\n|\n)*?[ \t]+baseurl:[ \t]*[\"']?(https?://[^\s\"'#]+)", text, re.MULTILINE)
    return found[1].rstrip("/") if found else ""


def address_of(section: str) -> str:
    """A section's address on the site; empty where that has none."""
    return f"{_site()}/book/{_sections()[section][0]}.html#{section}" if _site() and section in _sections() else ""
