"""Text that somebody else wrote, a submission above all: what is shown or kept of it steers nothing, hides nothing, and has an end."""

import os
import re

MOST = 20_000  # characters of a text, whatever it is
SHORT = 300  # characters of what is to be one line
# What steers a terminal, turns the direction of what follows, or cannot be seen; half characters; and what some programs take for the end of a line.
STEERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def inert(text, most: int = MOST) -> str:
    """The text with what STEERS written out, as Python writes it (`\\x1b`), and at most so many characters of it. An inert text stays as it is."""
    written = STEERS.sub(_written_out, str(text)[: most + 1].replace("\r\n", "\n"))
    return written if len(written) <= most else f"{written[: most - 2]} …"


def one_line(text, most: int = SHORT) -> str:
    """An inert text without ends of lines and tabs: they are written out, too."""
    return inert(str(text)[: most + 1].replace("\n", "\\n").replace("\t", "\\t"), most)


def path_text(path) -> str:
    """A path as one inert line, whole; no two paths have the same."""
    text = str(path) if os.sep == "\\" else re.sub(r"\\(?=[xuUnt])", r"\\x5c", str(path))  # such as `\x1b` in a name's own letters
    return one_line(text, MOST)


def _written_out(found):
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
