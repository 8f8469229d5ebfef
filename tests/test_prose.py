"""The chapters' prose: a number that looks like a result is on the page as one, or its paragraph names a source; and how long a page takes is counted."""

import math
import re

import pytest

from .chapters import CHAPTERS, cells, prose

each_chapter = pytest.mark.parametrize("chapter", CHAPTERS)

# What a measurement looks like: a decimal, a share, a factor, a size or a time.
SCALES = {"million": 1e6, "billion": 1e9, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}
UNITS = "|".join(["times", "points", "ms", "s", "seconds", *SCALES])
RESULT = re.compile(rf"(?<![\w.,/-])(?:(\d[\d,]*(?:\.\d+)?)(?: ?(%)|-fold| ({UNITS})\b)|(\d[\d,]*\.\d+)(?!\w|\.\d))")
# A name, and not a result: a version, a section or chapter of a book, an equation or figure of one.
NAME = re.compile(r"(?:[Tt]orch|[Vv]ersions?|Python|CUDA|[Ss]ections?|[Cc]hapters?|[Ee]quations?|[Ff]ig\.) *\d+\.\d+(?:\.\d+)*(?:(?:,| and| or) \d+\.\d+)*")
SOURCE = re.compile(r"https?://|et al\.,? (?:19|20)\d\d\b|\([^()]*\b(?:19|20)\d\d\)")
NUMBER = re.compile(r"(?<![\w.:])(\d[\d,_]*(?:\.\d+)?(?:e[-+]?\d+)?)(?: ?(%))?", re.I)
NEEDS = re.compile(r"^\*Needs\*.*$", re.M)
PREDICT = re.compile(r"^:::\{admonition\} Predict.*?^:::$", re.M | re.S)  # its answers are guesses, all but one wrong
FORMULA = re.compile(r"^```\{math\}.*?^```", re.M | re.S)


def numbers(text):
    """(value, size of its last digit, whether a share in percent) of all numbers in a text."""
    for digits, percent in NUMBER.findall(text):
        plain = digits.replace(",", "").replace("_", "").lower()
        mantissa, _, exponent = plain.partition("e")
        yield float(plain), 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2])), bool(percent)


def stands(value, last_digit, percent, known):
    """Whether a number, as precise as it is written, is a known one: itself or rounded, a share also as a fraction."""
    for other, finest, share in known:
        if percent and not share:
            other, finest = 100 * other, 100 * finest
        if share <= percent and (math.isclose(other, value) or finest < 1.01 * last_digit and abs(other - value) <= 0.5001 * last_digit):
            return True
    return False


def unfounded(text, known):
    """The results in a text of which the known numbers have nothing, and no source beside them."""
    found = []
    for paragraph in re.split(r"\n\s*\n|\n(?=- |\||\d+\. |:::)", re.sub(r"`[^`]*`", "", FORMULA.sub("", text))):
        if SOURCE.search(paragraph):
            continue
        for result in RESULT.finditer(NAME.sub("", paragraph)):
            digits, scale = (result[1] or result[4]).replace(",", ""), SCALES.get(result[3], 1)
            places = len(digits.partition(".")[2])
            if not any(stands(float(digits) * by, by * 10.0**-places, bool(result[2]), known) for by in {1, scale}):
                found.append(f"{result[0]!r} in {' '.join(paragraph.split())[:100]!r}")
    return found


@each_chapter
def test_a_number_that_looks_like_a_result_is_computed_on_the_page_or_has_a_source(chapter):
    """In its code, mostly an assert, or in a formula. That a cell has printed it is not enough: it may print another number on another machine."""
    page = "\n".join([*FORMULA.findall(prose(chapter)), *(cell.code for cell in cells(chapter))])
    assert not unfounded(NEEDS.sub("", PREDICT.sub("", prose(chapter))), list(numbers(page)))


@pytest.mark.parametrize(
    ("sentence", "page", "founded"),
    [
        ("It reads 97.3 % of them.", "held-out accuracy 97.3%", True),
        ("It reads 97 % of them.", "assert share > 0.9712", True),
        ("It reads 97 % of them.", "97 images", False),
        ("The loss is 0.67.", "loss 0.6704", True),
        ("The loss is 0.6704.", "loss 0.67", False),
        ("The loss is 0.67.", "loss 0.68", False),
        ("Three in four, 2.5 times as many.", "", False),
        ("It takes 12 ms.", "assert blocks == 12", True),
        ("It takes 12 ms.", "", False),
        ("He et al. 2015 measured 4.94 %.", "", True),
        ("People err on 5.1 % (Russakovsky et al., 2015).", "", True),
        ("In 2015 it was 4.94 %.", "", False),
        ("New in torch 2.13, see section 4.3.", "", True),
        ("A batch of 64, in 3 steps.", "", True),
        ("It has 8.03 billion of them, 34 MB.", "assert count == 8_030_261_248 and size == 33_562_624", True),
        ("It has 8.04 billion of them.", "assert count == 8_030_261_248", False),
        ("A bound of $0.0442$.", "", False),
        ("```{math}\n0.0442\n```\n", "", True),
        ("The default, `momentum=0.9`.", "", True),
    ],
)
def test_what_counts_as_founded(sentence, page, founded):
    assert (not unfounded(sentence, list(numbers(page)))) == founded


@each_chapter
def test_the_minutes_that_a_chapter_names_are_those_of_its_visible_words(chapter):
    named = re.search(r"\*about (\d+) minutes\*", prose(chapter))
    opened = [cell.code for cell in cells(chapter) if not {"remove-cell", "remove-input", "hide-input", "hide-cell"} & cell.tags]
    minutes = len(" ".join([prose(chapter), *opened]).split()) / 150
    assert not named or abs(int(named[1]) - minutes) <= 5 and int(named[1]) % 5 == 0
