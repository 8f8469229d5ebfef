"""CSV files as spreadsheets write and read them: whatever their encoding and delimiter; ours are safe to open."""

import codecs
import csv
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..files import read
from ..texts import one_line, path_text

MOST = 100 * 2**20  # bytes of a file that is read
DELIMITERS = ",;\t"
BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
FORMULA = re.compile("'*[=+\\-@\t\r＝＋－＠]")  # what a spreadsheet may take for the beginning of one, or was kept from it


class SheetError(Exception):
    """A file that cannot be read as a table, or lacks a column. The message is one line: which file, what is wrong."""


@dataclass(frozen=True)
class Cell:
    """A cell: what it says, and where it stands in the file's text."""

    value: str
    start: int
    end: int


def decoded(data: bytes) -> tuple[str, str, bytes]:
    """A file's text, its encoding and its byte order mark. Encoded again, every part of the text gives the same bytes."""
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding), encoding, mark
    wide = ("utf-16-le" if data[1:2] == b"\0" else "utf-16-be",) if b"\0" in data[:2] else ()
    for encoding in (*wide, "utf-8", "cp1252", "latin-1"):  # the last one knows every byte
        try:
            return data.decode(encoding), encoding, b""
        except UnicodeDecodeError:
            continue
    raise AssertionError("unreachable")


def split(text: str, delimiter: str) -> list[list[Cell]]:
    """The cells of a CSV text, row by row. A blank line is a row with one empty cell."""
    field = re.compile(rf'"([^"]*(?:""[^"]*)*)(?:"([^{delimiter}\r\n]*)|\Z)|([^{delimiter}\r\n]*)')
    rows, row, at = [], [], 0
    while True:
        found = field.match(text, at)
        quoted, after, plain = found.groups()
        value = plain if quoted is None else quoted.replace('""', '"') + (after or "")
        row.append(Cell(value, at, found.end()))
        at = found.end()
        if text[at : at + 1] == delimiter:
            at += 1
            continue
        rows.append(row)
        row = []
        at += 2 if text[at : at + 2] == "\r\n" else 1
        if at >= len(text):
            return rows


def delimiter_of(text: str) -> str:
    """What separates the cells of the first line."""
    return max(DELIMITERS, key=lambda each: len(split(text[: 2**16], each)[0]))


def load(path: Path) -> tuple[str, str, bytes]:
    """As `decoded`, of a file. Raises SheetError."""
    try:
        data = read(path, MOST)
        if data[:2] == b"PK":
            raise SheetError(f"{path_text(path)}: an Excel file, or another zip. Save it as CSV.")
        return decoded(data)
    except (OSError, UnicodeDecodeError) as error:
        raise SheetError(f"{path_text(path)}: {getattr(error, 'strerror', None) or 'not a CSV file'}.") from None


def records(path: Path, columns: tuple[str, ...], needed: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows of a table with a heading, each by the names in `columns`, inert, and empty where a column is missing; blank rows are left out.

    Raises SheetError where the file cannot be read or a needed column is missing.
    """
    text, _, _ = load(path)
    head, *rows = split(text, delimiter_of(text))
    names = [cell.value.strip().casefold() for cell in head]
    missing = [name for name in needed if name not in names]
    if missing:
        raise SheetError(f"{path_text(path)}: there is no column {', '.join(missing)}; the first line must name the columns {','.join(columns)}.")
    places = {name: names.index(name) for name in columns if name in names}
    return [
        {name: one_line(unguarded(row[places[name]].value.strip()), MOST) if name in places and places[name] < len(row) else "" for name in columns}
        for row in rows
        if any(cell.value.strip() for cell in row)
    ]  # fmt: skip


def number(text: str) -> Fraction | None:
    """A number as somebody writes it in a cell, with a point or a comma; None for anything else."""
    return Fraction(text.replace(",", ".")) if re.fullmatch(r"\d{1,9}(?:[.,]\d{1,9})?", text) else None


def shown(value: Fraction | int) -> str:
    """A number in at most two decimals."""
    hundredths = (2 * 100 * Fraction(value) + 1) // 2  # rounded, halves up
    return f"{hundredths // 100}.{hundredths % 100:02}".rstrip("0").rstrip(".")


def save(path: Path, head: list[str], rows):
    """Write a table that Excel opens as it is meant: UTF-8 with a mark, numbers as numbers, and no text that could be a formula."""
    with open(path, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(map(guarded, head))
        writer.writerows([guarded(value) for value in row] for row in rows)


def guarded(value) -> str:
    """A cell's text. A text that a spreadsheet could take for a formula begins with an apostrophe."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return shown(value)
    line = one_line(value, 2000)
    return f"'{line}" if FORMULA.match(value) or FORMULA.match(line) else line


def unguarded(text: str) -> str:
    """What was guarded."""
    return text[1:] if text[:1] == "'" and FORMULA.match(text) else text
