"""The files of a download, a folder or a zip with zips in it. Nothing is unpacked to a name of somebody else's choice: what is wanted is copied to a file of ours.

Nothing is followed (links), waited for (pipes) or trusted (sizes in a zip are counted while they are read).
"""

import lzma
import os
import re
import stat
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from .. import files
from .records import counted

MAX_NOTEBOOK = 50 * 2**20  # bytes, as the grader's own limit
MAX_ZIP = 200 * 2**20  # bytes of one zip in the download, and of all that is read out of it
MAX_FILES = 50_000  # in one zip in the download, with those within it
MAX_DOWNLOAD = 500_000  # files in a zip that is itself the download
MAX_DEPTH = 3  # zips within each other, in the download
DENSE, RATIO = 20 * 2**20, 200  # more than so many bytes, and so many times what they take up packed, are no notebook
CHUNK = 2**16
FOLDERS = {
    ".git": "Git's own", "__MACOSX": "macOS's own", ".ipynb_checkpoints": "Jupyter's own", "__pycache__": "Python's own", ".venv": "an environment",
    "venv": "an environment", "node_modules": "packages",
}  # fmt: skip
FILES = {".ds_store": "macOS's own", "thumbs.db": "Windows' own", "desktop.ini": "Windows' own"}
BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError, MemoryError)
JUNCTION = 0xA0000003  # Windows' other kind of link


class Unreadable(Exception):
    """A file cannot be read, or must not be. The message is a clause: why."""


@dataclass(frozen=True)
class Entry:
    """A file of the download, or a folder that is passed over as a whole (its source ends in "/").

    source: its path within the download; a zip counts as a folder. time: what a zip notes. problem: why it is not read. own: whose it is, where it is
    nobody's work. unpacked: a zip whose files come by themselves.
    """

    source: str
    time: datetime | None = None
    problem: str = ""
    own: str = ""
    unpacked: bool = False
    _chunks: Callable[[int], Iterator[bytes]] | None = field(default=None, repr=False, compare=False)

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.source.split("/"))

    @property
    def outer(self) -> tuple[str, ...]:
        """The path of what was handed in: of a file in a zip, the zip's."""
        return self.parts[: next((end for end, part in enumerate(self.parts, 1) if part.lower().endswith(".zip")), len(self.parts))]

    def copy_to(self, target, most: int = MAX_NOTEBOOK):
        """Write its bytes to an open file. Raises Unreadable. Only while `entries` stands at this entry."""
        for chunk in self._chunks(most):
            target.write(chunk)


def entries(download: Path) -> Iterator[Entry]:
    """Every file of a folder or zip, in no order that means anything. Raises Unreadable where the download itself is no such thing."""
    if download.is_dir():
        yield from _folder(download)
        return
    try:
        with open(download, "rb") as file:
            yield from _zip(file, "", None, 0)
    except BROKEN as error:
        raise Unreadable(_why(error)) from None


@dataclass
class _Budget:
    """What may still be read out of one zip in the download, those within it included. Nobody else's share is touched."""

    bytes: int = MAX_ZIP
    files: int = MAX_FILES


def _folder(root):
    waiting = [(root, "")]
    while waiting:
        folder, prefix = waiting.pop()
        try:
            found = sorted(os.scandir(folder), key=lambda each: each.name)
        except OSError as error:
            if not prefix:
                raise Unreadable(error.strerror) from None
            yield Entry(prefix, problem=f"a folder that cannot be read ({error.strerror})")
            continue
        for each in found:
            source = prefix + unicodedata.normalize("NFC", each.name)
            if _is_link(each):
                yield Entry(source, problem="a link; links are not followed")
            elif each.is_dir(follow_symlinks=False):
                if each.name in FOLDERS:
                    yield Entry(f"{source}/", own=f"{FOLDERS[each.name]}, {counted(_count(each.path), 'file')}")
                else:
                    waiting.append((Path(each.path), f"{source}/"))
            elif each.is_file(follow_symlinks=False):
                yield from _file(Entry(source, own=_own(source), _chunks=_reader(Path(each.path))), None, 0)
            else:
                yield Entry(source, problem="not a plain file")


def _is_link(each):
    try:
        return each.is_symlink() or getattr(each.stat(follow_symlinks=False), "st_reparse_tag", 0) == JUNCTION
    except OSError:
        return False


def _count(folder):
    return sum(len(names) for _, _, names in os.walk(folder))


def _own(source):
    name = source.rpartition("/")[2]
    return "macOS's own" if name.startswith("._") else FILES.get(name.lower(), "")


def _reader(path):
    def chunks(most):
        try:
            data = files.read(path, most)
        except OSError as error:
            raise Unreadable(error.strerror or str(error)) from None
        yield data

    return chunks


def _file(entry, budget, depth):
    """An entry, and, where it is a zip, what lies within it."""
    if entry.own or entry.problem or not entry.source.lower().endswith(".zip"):
        yield entry
        return
    budget = budget or _Budget()
    with tempfile.TemporaryFile() as file:
        try:
            if depth == MAX_DEPTH:
                raise Unreadable(f"a zip within {MAX_DEPTH} others")
            entry.copy_to(file, MAX_ZIP)
            yield from _zip(file, f"{entry.source}/", budget, depth + 1)
        except (Unreadable, *BROKEN) as error:
            yield Entry(entry.source, entry.time, problem=f"{_why(error)}. Unpack it by hand")
        else:
            yield Entry(entry.source, entry.time, unpacked=True)


def _zip(file, prefix, budget, depth):
    """The files of an open zip. Raises one of BROKEN, or Unreadable, before the first of them."""
    _look_at_size(file, MAX_FILES if budget else MAX_DOWNLOAD)
    with zipfile.ZipFile(file) as archive:
        members = [(_name(member), member) for member in archive.infolist() if not member.filename.endswith("/") or member.file_size or _special(member)]
        if budget:
            budget.files -= len(members)
            if budget.files < 0:
                raise Unreadable(f"a zip of more than {MAX_FILES:,} files")
        times, folders = Counter(name for name, _ in members), Counter()
        for name, member in members:
            own = next((number for number, part in enumerate(name.split("/")[:-1], 1) if part in FOLDERS), None)
            if own:
                folders[unicodedata.normalize("NFC", "/".join(name.split("/")[:own]))] += 1
                continue
            problem = _problem(name, member) or ("stands in the zip more than once" if times[name] > 1 else "")
            source = prefix + unicodedata.normalize("NFC", name)
            yield from _file(Entry(source, _time(member), problem, _own(source), _chunks=_member(archive, member, budget)), budget, depth)
        for folder, count in folders.items():
            yield Entry(f"{prefix}{folder}/", own=f"{FOLDERS[folder.rpartition('/')[2]]}, {counted(count, 'file')}")


def _look_at_size(file, most):
    """Whether a zip's list of files may be read at all: each of them begins with this mark."""
    found, before = 0, b""
    file.seek(0)
    while chunk := file.read(2**20):
        found += (before[-3:] + chunk).count(b"PK\x01\x02")
        before = chunk
    file.seek(0)
    if found > 2 * most:  # twice: a zip that is stored in it has such marks, too
        raise Unreadable(f"a zip of more than {most:,} files")


def _name(member):
    """A member's path with "/". Where the zip does not say that names are UTF-8, but they could be, they are: macOS writes such."""
    name = member.filename
    if not member.flag_bits & 0x800:
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return name.replace("\\", "/").rstrip("/") or "(no name)"


def _special(member):
    """What a member is, if it is neither a file nor a folder."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    return kind if kind in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK) else 0


def _problem(name, member):
    """Why a member is not read, if so."""
    parts = name.split("/")
    if name.startswith("/") or re.match("[A-Za-z]:", name) or ".." in parts:
        return "its path leads out of the zip"
    if _special(member):
        return "a link; links are not followed" if _special(member) == stat.S_IFLNK else "not a plain file"
    return "encrypted; it needs its password" if member.flag_bits & 1 else ""


def _time(member):
    try:
        return datetime(*member.date_time)
    except ValueError:
        return None


def _member(archive, member, budget):
    def chunks(most):
        done = 0
        try:
            with archive.open(member) as file:
                while chunk := file.read(CHUNK):
                    done += len(chunk)
                    if budget:
                        budget.bytes -= len(chunk)
                    if done > most:
                        raise Unreadable(f"unpacks to more than {most // 2**20} MiB")
                    if done > DENSE and done > RATIO * member.compress_size:
                        raise Unreadable(f"unpacks to more than {RATIO} times its size")
                    if budget and budget.bytes < 0:
                        raise Unreadable(f"its zip unpacks to more than {MAX_ZIP // 2**20} MiB")
                    yield chunk
        except BROKEN as error:
            raise Unreadable(_why(error)) from None

    return chunks


def _why(error):
    if isinstance(error, Unreadable):
        return str(error)
    if isinstance(error, NotImplementedError):
        return "packed in a way that is not known here"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "not a zip, or a damaged one: it may have been cut off"
