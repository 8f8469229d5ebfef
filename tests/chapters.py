"""The chapters as they are written: their cells, and their prose without them. No build is needed."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted(path.stem for path in (ROOT / "book").glob("[0-9]*.md"))
_CELL = re.compile(r"^```\{code-cell\}.*\n((?:---\n(?:.*\n)*?---\n|(?::.*\n)*)?)((?:.*\n)*?)```$", re.M)


@dataclass(frozen=True)
class Cell:
    """options: what stands above the code: tags, a figure's caption and alt text."""

    options: str
    code: str

    @property
    def tags(self) -> set[str]:
        return set(re.findall(r"(?:remove|hide)-\w+", self.options))


def source(chapter: str) -> str:
    return (ROOT / "book" / f"{chapter}.md").read_text(encoding="utf-8")


@cache
def cells(chapter: str) -> list[Cell]:
    return [Cell(*found.groups()) for found in _CELL.finditer(source(chapter))]


@cache
def prose(chapter: str) -> str:
    """What is not code: from the title to the sources, with the words of the figures."""
    body, _, _ = source(chapter).split("\n---\n", 1)[1].partition("\n## Sources")
    return _CELL.sub(lambda cell: "\n\n".join(re.findall(r'(?:caption|alt): "(.*?)"[,}]', cell[1])) + "\n", body)
