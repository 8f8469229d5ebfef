"""Downloads as learning platforms make them, and `collect` run on them."""

import io
import zipfile
from pathlib import Path

import nbformat

from grader.collecting import records

from .notebooks import exercise, grader


def work(number: int, name: str = "01_formula") -> str:
    """Somebody's notebook, another for each number."""
    notebook = exercise(name)
    notebook.cells.append(nbformat.v4.new_code_cell(f"mine = {number}", id="mine"))
    return nbformat.writes(notebook)


def fill(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def packed(files: dict[str, str | bytes] | list, path: Path | None = None) -> Path | bytes:
    """A zip of files, in a file or as bytes. Names may be ZipInfos."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items() if isinstance(files, dict) else files:
            archive.writestr(name, content)
    if path is None:
        return buffer.getvalue()
    path.write_bytes(buffer.getvalue())
    return path


def collect(download, *options, code=0):
    """The records of a run, by source ("" is a list of learners without one), and what it printed."""
    output = download.parent / "submissions"
    done = grader("collect", download, "-o", output, *options)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    found = records.read(output / "learners.csv")
    for record in found:
        assert bool(record.file) == (record.status == records.TAKEN) and (not record.file or (output / record.file).is_file())
    written = {path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()}
    assert written == {"learners.csv", *(record.file for record in found if record.file)}
    assert [path.name for path in download.parent.iterdir() if path.name.startswith(".submissions")] == []
    return {record.source: record for record in found if record.source} | {record.name: record for record in found if not record.source}, done.stdout


def refused(tmp_path, *arguments, words, code=2):
    """It says why in one line, and leaves nothing."""
    before = sorted(tmp_path.rglob("*"))
    done = grader("collect", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1), (done.stdout, done.stderr)
    assert words in done.stderr
    assert sorted(tmp_path.rglob("*")) == before
