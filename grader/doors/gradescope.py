"""The autograder of an exercise as Gradescope wants it: a zip with setup.sh, run_autograder and the grader. What runs there is in `autograder`."""

import io
import zipfile
from pathlib import Path

from ..catalogue import chapter_of, exercise_called
from ..course import GRADER, PACKED, ROOT
from ..spec import Exercise
from ..texts import one_line
from .shared import DoorError, constraints, template, torch, write

PROGRAMS = ("setup.sh", "run_autograder")  # for which Gradescope looks at the root of the zip
TIME = (1980, 1, 1, 0, 0, 0)  # of every file: the same course gives the same zip


def write_zip(name: str, path: Path, force: bool) -> list[str]:
    """Write the autograder of an exercise; the lines that say what to do with it. Raises DoorError."""
    try:
        exercise = exercise_called(name)
    except LookupError as refusal:
        raise DoorError(f"{one_line(name)}: {refusal.args[0]}") from None
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside, data in sorted(files_of(exercise).items()):
            info = zipfile.ZipInfo(inside, TIME)
            info.external_attr = (0o100755 if inside in PROGRAMS else 0o100644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return [*write({path: content.getvalue()}, force), f"Upload it as the autograder of a programming assignment of {exercise.points} points."]


def files_of(exercise: Exercise) -> dict[str, bytes]:
    """What is in the zip, by name: the two programs; the grader; of the solutions, the exercise's own, which its known mistakes are edits of; of the
    chapters, those that feedback names; and which versions of packages to install. Raises DoorError."""
    solution = ROOT / "solutions" / f"{exercise.name}.ipynb"
    chapters = {ROOT / "book" / f"{chapter_of(task.section)}.md" for task in exercise.tasks}
    grader = [path for path in GRADER.rglob("*") if path.is_file() and "__pycache__" not in path.parts and PACKED not in path.parents]
    inside = {path: path.relative_to(ROOT) for path in (ROOT / "pyproject.toml", solution, *chapters)}
    inside |= {path: path.relative_to(GRADER.parent) for path in grader}
    files = {}
    for path, name in inside.items():
        try:
            files[name.as_posix()] = path.read_bytes()
        except OSError as error:
            raise DoorError(f"{path}: {error.strerror}. The autograder is made from the course's own files.") from None
    for program in PROGRAMS:
        files[program] = template(program).render(exercise=exercise.name, torch=torch()).encode()
    return {**files, "constraints.txt": constraints().encode()}
