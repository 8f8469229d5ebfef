"""Output for terminals and pipes that know few letters, such as cp1252 (Windows) and ASCII: what they lack is written in what they have."""

import codecs
import os
import sys
import unicodedata

PLAIN = {
    "✓": "+", "✗": "x", "–": "-", "—": "-", "−": "-", "·": "*", "•": "*", "×": "x", "±": "+-", "→": "->", "›": ">", "√": "sqrt ", "∂": "d", "Σ": "sum ",
    "“": '"', "”": '"', "‘": "'", "’": "'", "⁄": "/",
    "█": "#", "░": ".",
}  # fmt: skip
BAR = 24  # letters


def _plain(error):
    """An error handler of `codecs`: the nearest plain letters, or a question mark."""
    return "".join(map(_letter, error.object[error.start : error.end])), error.end


def _letter(letter):
    parts = "".join(PLAIN.get(part, part) for part in unicodedata.normalize("NFKD", letter))
    raised = "^" if unicodedata.decomposition(letter).startswith("<super>") else ""
    return raised + parts.encode("ascii", "ignore").decode() or "?"


codecs.register_error("linear-plain", _plain)


def program() -> str:
    """How this program was called, for what a reader is told to type."""
    return "linear" if os.path.basename(sys.argv[0]).partition(".")[0] == "linear" else "python -m grader"


def bar(points: int, most: int) -> str:
    """Points as a bar and in numbers."""
    full = BAR * points // most
    return f"{'█' * full}{'░' * (BAR - full)}{points:5} / {most}"


def write_anything():
    """Have standard output and error take any text, also where they were closed."""
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w", encoding="utf-8") for stream in (sys.stdout, sys.stderr))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a notebook's takes any text as it is
            stream.reconfigure(errors="linear-plain")


def fitting(text: str) -> str:
    """A text in letters that standard output has."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "linear-plain").decode(encoding)


def attempt(show, facts: str) -> bool:
    """Whether what `show()` prints got through. Else that is said in a line with the `facts` that a reader needs all the same, and no more is printed."""
    try:
        show()
        sys.stdout.flush()
    except (OSError, UnicodeError) as error:
        print(f"Standard output cannot be written ({getattr(error, 'strerror', None) or error}). {facts}".strip(), file=sys.stderr)
        nowhere = os.open(os.devnull, os.O_WRONLY)  # Python would try once more, and complain
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        return False
    return True
