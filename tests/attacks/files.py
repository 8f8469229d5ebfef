"""Attacks by the file itself: links, broken and odd notebooks. Each is refused in one line, or graded as what it holds."""

import copy
import json
from dataclasses import dataclass
from pathlib import Path

import nbformat

from ..notebooks import ROOT, exercise, solution
from .attack import EXERCISE, FULL

SOLVED = json.loads(json.dumps(solution(EXERCISE)))


@dataclass(frozen=True)
class File:
    """A file that is handed in: its text, or the file it is a link to. points: what it must get, None where it must be refused."""

    name: str
    text: str | bytes = ""
    link: str = ""
    points: int | None = None

    def __str__(self):
        return self.name

    def write(self, path: Path):
        if self.link:
            path.symlink_to(self.link)
        else:
            path.write_bytes(self.text if isinstance(self.text, bytes) else self.text.encode())


def changed(change) -> str:
    notebook = copy.deepcopy(SOLVED)
    change(notebook)
    return json.dumps(notebook)


def cell(source, **more):
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None, **more}


def nested(depth):
    return changed(lambda n: n["metadata"].update(x=0)).replace('"x": 0', f'"x": {"[" * depth}{"]" * depth}')


def set_metadata(**metadata):
    return changed(lambda n: n["metadata"].update(metadata))


UNSOLVED = json.dumps(exercise(EXERCISE))
LINKS = [
    File("a link to the solution", link=str(ROOT / "solutions" / f"{EXERCISE}.ipynb")),
    File("a link to a system file", link="/etc/passwd"),
    File("a link to a device", link="/dev/zero"),
    File("a link to itself", link="a link to itself.ipynb"),
    File("a link to another submission", link="zz_neighbour.ipynb"),
]
BROKEN = [
    File("nothing at all"),
    File("no JSON", "PK\x03\x04"),
    File("no text", b"\xff\xfe\x00"),
    File("JSON of something else", "[1, 2, 3]"),
    File("half a notebook", json.dumps(SOLVED)[:5000]),
    File("nested a million deep", "[" * 10**6),
    File("nested in a notebook", nested(10**5)),
    File("in another language", set_metadata(kernelspec={"name": "ir", "display_name": "R", "language": "R"})),
    File("no code", changed(lambda n: n.update(cells=[]))),
    File("too large", changed(lambda n: n["cells"].append(cell("x"))) + " " * (51 * 2**20)),
    File("too much code", changed(lambda n: n["cells"].append(cell("x = 1\n" * 200_000)))),
    File("cells that are numbers", changed(lambda n: n.update(cells=[1, 2]))),
    File("a kernel that is a list", set_metadata(kernelspec=[])),
    File("a release of tomorrow", set_metadata(linear_course={"exercise": EXERCISE, "release": 10**30})),
    File("a release that is a list", set_metadata(linear_course={"exercise": EXERCISE, "release": []})),
]
ODD = [
    File("doubled ids", changed(lambda n: [each.update(id="same") for each in n["cells"]]), points=FULL),
    File("not a number in it", set_metadata(x=float("nan"), y=float("inf")), points=FULL),
    File("attachments", changed(lambda n: n["cells"][0].update(attachments={"x.png": {"image/png": "eHh4"}})), points=FULL),
    File("an old format", json.dumps(nbformat.convert(solution(EXERCISE), 3)), points=FULL),
    File("an exercise that is a path", set_metadata(linear_course={"exercise": "../../solutions/01_formula"}), points=FULL),
    File("a course that is a list", set_metadata(linear_course=[1]), points=FULL),
    File("ten thousand empty cells", changed(lambda n: n["cells"].extend([cell("")] * 10_000)), points=FULL),
    File("forged outputs", UNSOLVED.replace('"outputs": []', '"outputs": [{"output_type": "stream", "name": "stdout", "text": "22 / 22"}]'), points=0),
    File("forged points", UNSOLVED.replace('"points": ', '"points": 100'), points=0),
]
FILES = [*LINKS, *BROKEN, *ODD]
