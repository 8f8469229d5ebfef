"""Attacks by the file itself: links, broken and odd notebooks. Each is refused in one line, or graded as what it holds."""

import copy
import json
from dataclasses import dataclass
from pathlib import Path

import nbformat

from ..notebooks import ROOT, exercise, solution
from .attack import EXERCISE, FULL, MIME

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
FORGED = (  # in turn, in place of the kernel's own answers, under their nonces: what is much too long
    "{'raised': {'kind': 'x' * 3000000, 'message': '', 'line': '', 'call': 0}, 'forbidden': [], 'traces': []}",
    "{'raised': {'kind': 'E', 'message': '\\x1b[2J' * 1000000, 'line': '', 'call': 0}, 'forbidden': [], 'traces': []}",
    "{'raised': {'kind': 'E', 'message': '', 'line': 'x' * 10000000, 'call': 0}, 'forbidden': [], 'traces': []}",
    "{'raised': {'kind': 'RuntimeError', 'message': f'mat1 and mat2 shapes cannot be multiplied ({nines}x3 and 3x{nines})', 'line': '', 'call': 0}, 'forbidden': [], 'traces': []}",
    "{'value': {'t': 'dict', 'v': [['x' * 10000000, 1]]}, 'forbidden': [], 'traces': []}",
    "{'value': {'t': 'dict', 'v': [['\\U0001f600' * 190 + str(n), 1] for n in range(9000)]}, 'forbidden': [], 'traces': []}",
    "{'value': {'t': 'tuple', 'v': ['\\x1b' * 1000] * 9000}, 'forbidden': [], 'traces': []}",
    "{'value': {'t': 'opaque', 'v': '\\u202e' * 9000000}, 'forbidden': [], 'traces': []}",
    "{'value': 'x' * 9000, 'forbidden': [], 'traces': ['0.\\x1b[2J' * 1000 + ': values'] * 9900}",
    "{'value': None, 'forbidden': ['x' * 100] * 90000, 'traces': ['x' * 100] * 90000}",
)
PUBLISH_FORGED = f"""
import itertools
nines, pub = '9' * 5000, get_ipython().display_pub
forged, publish = itertools.cycle([{", ".join(f"lambda: {answer}" for answer in FORGED)}]), pub.publish
def too_much(data, *a, **k):
    data = {{'{MIME}': {{'nonce': data['{MIME}']['nonce'], **next(forged)()}}}} if '{MIME}' in data else data
    return publish(data, *a, **k)
pub.publish = too_much
"""
RAISES = "raise type('E' * 10000, (Exception,), {})('\\x1b[2J' + 'x' * 500000)"
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
    File("in a language of forty megabytes", set_metadata(kernelspec={"name": "r", "display_name": "R", "language": "R\n\x1b[2J" * 4_000_000})),
    File("a release of megabytes", set_metadata(linear_course={"exercise": EXERCISE, "release": "\u202e" * 10**6})),
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
    File("sixty errors of half a megabyte", changed(lambda n: n["cells"].extend([cell(RAISES)] * 60)), points=FULL),
    File("five hundred modules that nobody has", changed(lambda n: n["cells"].append(cell("\n".join(f"import odd_{k}" for k in range(500))))), points=FULL),
    File("answers of megabytes", changed(lambda n: n["cells"].append(cell(PUBLISH_FORGED))), points=0),
]
FILES = [*LINKS, *BROKEN, *ODD]
