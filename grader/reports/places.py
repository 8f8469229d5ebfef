"""Where a reader finds a section of the course: in the book's files, and on its site where that has an address."""

import re
from functools import cache

from .. import course


@cache
def _sections() -> dict[str, tuple[str, str]]:
    """Every label of a section: the chapter's name and the heading below the label."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted((course.ROOT / "book").glob("[0-9][0-9]_*.md"))}
    return {label: (name, heading) for name, text in texts.items() for label, heading in re.findall(r"^\(([\w-]+)\)=\n#+ (.+)$", text, re.MULTILINE)}


def place_of(section: str) -> str:
    """A section in words: the chapter and the heading, or the label alone where there is no book."""
    if section not in _sections():
        return f"section {section}"
    name, heading = _sections()[section]
    return f"chapter {name}, section “{heading}”" if course.INSTALLED else f"book/{name}.md, section “{heading}”"


def address_of(section: str) -> str:
    """A section's address on the site; empty where that has none."""
    return f"{course.site()}/book/{_sections()[section][0]}.html#{section}" if course.site() and section in _sections() else ""
