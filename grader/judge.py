"""Compare an answer with the reference's and say exactly where they part. Knows no notebook and no kernel."""

import math

import numpy as np
import torch

from .bench import Band, Caught, Pair, Predictions, Sample
from .describe import describe, heat_map, histogram, kind_text, matrix_text, number_text, spread_text, telling_decimals, telling_digits
from .verdicts import Difference
from .wire import Placed

# (rtol, atol) by dtype: the defaults of torch.testing.assert_close (torch/testing/_comparison.py); other dtypes are exact.
TOLERANCES = {
    torch.float16: (1e-3, 1e-5),
    torch.bfloat16: (1.6e-2, 1e-5),
    torch.float32: (1.3e-6, 1e-5),
    torch.float64: (1e-7, 1e-7),
    torch.complex64: (1.3e-6, 1e-5),
    torch.complex128: (1e-7, 1e-7),
}
FALSE_FAIL = 1e-8  # chance that a right sample is called wrong
UNTOLD = Difference("", "value", "")  # of numbers, where nobody reads it: telling how they differ takes ten times as long as finding that they do

Tolerance = tuple[float, float] | None


def differences(received, expected, tolerance: Tolerance = None, at: str | None = "") -> list[Difference]:
    """Every place where the nest `received` is not the nest `expected`; an empty list means they agree.

    tolerance: (rtol, atol) in place of the dtype's own. at: the place of the two in a nest; None if nobody reads what differs, but whether anything does.
    """
    for kind, compare in _COMPARISONS:
        if isinstance(expected, kind):
            if type(received) is not type(expected) and not _whole_for_float(received, expected):
                return [_type_difference(received, expected, at)]
            return compare(received, expected, tolerance, at)
    raise TypeError(f"a reference answered with {type(expected).__name__}, which cannot be compared")


def agree(one, other, tolerance: Tolerance = None) -> bool:
    """Whether two answers (see asking.Answer) are the same answer: the same values, or the same exception."""
    if one.missing or other.missing:
        return False
    if one.raised or other.raised:
        return bool(one.raised and other.raised) and (
            (one.raised.kind, one.raised.message) == (other.raised.kind, other.raised.message)
        )
    try:
        return not differences(_by_merit(one.value), _by_merit(other.value), tolerance, at=None)
    except TypeError:  # the other holds an opaque object, which equals nothing
        return False


def _by_merit(value):
    """An answer with open predictions replaced by whether enough of them are right: two that know the labels are alike in that, not in every class."""
    if isinstance(value, Predictions) and value.open and value.labels is not None and value.labels.shape == value.values.shape:
        share = float((value.values == value.labels).double().mean())
        return Band(share, {"too few are right": value.at_least, "enough are right": math.inf})
    if isinstance(value, dict):
        return {key: _by_merit(each) for key, each in value.items()}
    return type(value)(map(_by_merit, value)) if isinstance(value, (list, tuple)) else value


def _sequences(received, expected, tolerance, at):
    if len(received) != len(expected):
        message = f"Expected {len(expected)} value{'s' * (len(expected) != 1)}, {describe(expected)}; you returned {len(received)}, {describe(received)}."
        return [Difference(at, "length", message, describe(expected), describe(received))]
    found = []
    for number, (mine, theirs) in enumerate(zip(received, expected)):
        found += differences(mine, theirs, tolerance, _inside(at, f"[{number}]"))
    return found


def _dicts(received, expected, tolerance, at):
    if list(received) != list(expected):
        return [Difference(at, "keys", f"The answer has other parts than asked; {_other_keys(received, expected)}.", describe(expected), describe(received))]
    found = []
    for key in expected:
        found += differences(received[key], expected[key], tolerance, _inside(at, key))
    return found


def _other_keys(received, expected):
    missing = [key for key in expected if key not in received]
    extra = [key for key in received if key not in expected]
    found = [f"{what}: {', '.join(keys[:6])}" for what, keys in (("missing", missing), ("not asked for", extra)) if keys]
    return "; ".join(found) or f"in the order {describe(received)}, asked for in the order {describe(expected)}"


def _inside(at, part):
    return None if at is None else f"{at} › {part}" if at else part


def _scalars(received, expected, tolerance, at):
    if isinstance(expected, (str, bool, type(None))):
        same = received == expected
    else:
        rtol, atol = tolerance or TOLERANCES[torch.float64]
        same = _close(float(received), float(expected), rtol, atol) if _has_float(received, expected) else received == expected
    if same:
        return []
    ratio = _ratio_text(received / expected) if _has_float(received, expected) and expected and received else ""
    theirs, mine = describe(expected), describe(received)
    if theirs == mine:
        theirs, mine = (number_text(each, telling_digits(expected, received)) for each in (expected, received))
    return [Difference(at, "value", f"Expected {theirs}, got {mine}.{ratio}", theirs, mine, wrong=1, total=1)]


def _close(mine, theirs, rtol, atol):
    return mine == theirs or (math.isnan(mine) and math.isnan(theirs)) or abs(mine - theirs) <= atol + rtol * abs(theirs)


def _has_float(*values):
    return any(isinstance(value, float) for value in values)


def _whole_for_float(received, expected):
    """Whether a whole number stands for a float, as 0 for 0.0; a float for a whole number is another type."""
    return type(received) is int and type(expected) is float


def _arrays(received, expected, tolerance, at):
    if received.dtype != expected.dtype:
        return [_dtype_difference(received, expected, at)]
    return _numbers(torch.from_numpy(received.copy()), torch.from_numpy(expected.copy()), tolerance, at)


def _placed(received, expected, tolerance, at):
    if received.tensor.dtype != expected.tensor.dtype:
        return [_dtype_difference(received.tensor, expected.tensor, at)]
    if received.device != expected.device:
        message = f"The result must be on the {expected.device}; yours is on the {received.device}."
        return [Difference(at, "device", message, expected.device, received.device)]
    return _numbers(received.tensor, expected.tensor, tolerance, at)


def _dtype_difference(received, expected, at):
    mine, theirs = (str(value.dtype).removeprefix("torch.") for value in (received, expected))
    return Difference(at, "dtype", f"The result must be {theirs}; yours is {mine}.", theirs, mine)


def _shape_difference(received, expected, at):
    theirs, mine = tuple(expected.shape), tuple(received.shape)
    message = f"The result must have shape {theirs}; yours has {mine}."
    if len(mine) == 2 and mine == theirs[::-1] and torch.allclose(received.mT, expected):
        message += " It is the transpose of what is asked."
    return Difference(at, "shape", message, describe(Placed(expected, "cpu")), describe(Placed(received, "cpu")))


def _numbers(received, expected, tolerance, at):
    """Compare two CPU tensors of one dtype."""
    if received.shape != expected.shape:
        return [_shape_difference(received, expected, at)]
    rtol, atol = tolerance or TOLERANCES.get(expected.dtype, (0.0, 0.0))
    wrong = ~torch.isclose(received, expected, rtol=rtol, atol=atol, equal_nan=True)
    count = int(wrong.sum())
    if not count:
        return []
    if at is None:
        return [UNTOLD]
    error = (_wide(received) - _wide(expected)).abs()
    stray = torch.isnan(error) & wrong
    index = (stray if bool(stray.any()) else wrong).nonzero()[0].tolist()
    largest = float(error[wrong & ~stray].max()) if bool((wrong & ~stray).any()) else math.inf
    theirs, mine = expected[tuple(index)].item(), received[tuple(index)].item()
    kind = "nan" if bool(stray.any()) else "value"
    pattern = "" if kind == "nan" else _pattern(received, expected, rtol, atol)
    digits, decimals = telling_digits(theirs, mine), telling_decimals(theirs, mine)
    both = f"xpected {number_text(theirs, digits)}, got {number_text(mine, digits)}."
    if wrong.numel() == 1:
        message = f"E{both}{pattern}"
    elif kind == "nan":
        message = f"{int(stray.sum())} of {wrong.numel()} entries are NaN on one side only. First at {index}: e{both}"
    else:
        message = f"{_count(count, wrong.numel())}, the largest error is {largest:.3g}.{pattern} First at {index}: e{both}"
    return [
        Difference(
            at, kind, message, matrix_text(expected, decimals) or number_text(theirs, digits), matrix_text(received, decimals) or number_text(mine, digits),
            index, count, wrong.numel(), min(largest, 1e300), heat_map(error, wrong),
        )
    ]


def _wide(tensor):
    return tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)


def _count(wrong, total):
    return f"All {total} entries differ" if wrong == total else f"{wrong} of {total} entries {'differs' if wrong == 1 else 'differ'}"


def _pattern(received, expected, rtol, atol):
    """A sentence on how a wrong tensor relates to the right one as a whole, when it does so simply."""
    if received.is_complex() or not received.is_floating_point():
        return ""
    mine, theirs = _wide(received), _wide(expected)
    if not bool(mine.any()):
        return " Yours is zero everywhere."
    big = theirs.abs() > 1e-3 * theirs.abs().max()
    ratios = mine[big] / theirs[big]
    ratio = float(ratios.median())
    if ratio and torch.allclose(mine, ratio * theirs, rtol=max(rtol, 1e-5), atol=atol):
        return _ratio_text(ratio)
    if mine.dim() == 2 and mine.shape[0] == mine.shape[1] and torch.allclose(mine.mT, theirs, rtol=rtol, atol=atol):
        return " It is the transpose of what is asked."
    return ""


def _ratio_text(ratio):
    """How a number relates to the right one by a factor, in a sentence to append; empty where that says nothing."""
    if math.isclose(ratio, -1, rel_tol=1e-5):
        return " Only the sign is wrong."
    if not 1e-3 < abs(ratio) < 1e3 or math.isclose(ratio, 1, rel_tol=1e-3):
        return ""
    inverse = 1 / ratio
    if abs(inverse) > 1 and math.isclose(inverse, round(inverse), rel_tol=1e-4):
        return f" Yours is what is expected, divided by {round(inverse)}."
    return f" Yours is {ratio:.4g} times what is expected."


def _samples(received, expected, tolerance, at):
    mine, theirs = received.values, expected.values
    if mine.dtype != theirs.dtype:
        return [_dtype_difference(mine, theirs, at)]
    if mine.shape != theirs.shape:
        return [_shape_difference(mine, theirs, at)]
    if not mine.numel():
        return []
    distance, limit = sample_distance(received, expected)
    if distance <= limit:
        return []
    message = f"Your numbers are distributed otherwise than expected. Yours: {spread_text(mine)}. Expected: {spread_text(theirs)}."
    return [Difference(at, "sample", message, spread_text(theirs), spread_text(mine), histogram=histogram(received, expected))]


def _predictions(received, expected, tolerance, at):
    """Predictions against labels; against other predictions (an impostor's), whether they are the same ones."""
    mine, theirs = received.values, expected.values
    if mine.dtype != theirs.dtype:
        return [_dtype_difference(mine, theirs, at)]
    if mine.shape != theirs.shape:
        return [_shape_difference(mine, theirs, at)]
    right = mine == (theirs if expected.labels is None else expected.labels)
    accuracy, asked = float(right.double().mean()), 1.0 if expected.labels is None else expected.at_least
    if accuracy >= asked:
        return []
    wrong, total = int((~right).sum()), right.numel()
    message = f"{total - wrong} of {total} predictions are right, {accuracy:.1%}; {asked:.0%} are asked."
    if len(mine.unique()) == 1:
        message += f" You always predict {int(mine.flatten()[0])}."
    return [Difference(at, "accuracy", message, f"at least {asked:.0%}", f"{accuracy:.1%}", wrong=wrong, total=total)]


def _caught(received, expected, tolerance, at):
    mine, theirs = (_caught_text(each, expected.naming) for each in (received, expected))
    if mine == theirs:
        return []
    said = f" It says: {received.message[:300]}" if received.message else ""
    return [Difference(at, "value", f"Expected {theirs}, got {mine}.{said}", theirs, mine, wrong=1, total=1)]


def _caught_text(caught, naming):
    if caught.kind is None:
        return "no exception"
    sizes = " and ".join(dict.fromkeys(map(str, naming)))
    kind = "an exception" if caught.kind == "Exception" else caught.kind
    return kind + (f" that {'names' if caught.names(naming) else 'does not name'} {sizes}" if naming else "")


def _pairs(received, expected, tolerance, at):
    mine, theirs = (_pair_text(each, expected) for each in (received, expected))
    return [] if mine == theirs else [Difference(at, "value", f"Expected {theirs}, got {mine}.", theirs, mine, wrong=1, total=1)]


def _pair_text(pair, stated):
    try:
        equal = not differences(pair.one, pair.other, (stated.rtol, stated.atol), at=None)
    except TypeError:  # it holds an opaque object, which equals nothing
        equal = False
    return stated.equal if equal else stated.different


def _bands(received, expected, tolerance, at):
    mine, theirs = (Band(each.value, expected.bands).name for each in (received, expected))
    return [] if mine == theirs else [Difference(at, "value", f"Expected {theirs}, got {mine}, {received.value:.4g}.", theirs, mine, wrong=1, total=1)]


def sample_distance(one: Sample, other: Sample) -> tuple[float, float]:
    """The two-sample Kolmogorov-Smirnov distance, and the limit it exceeds with a chance below FALSE_FAIL if both samples
    come from one distribution.

    The limit is the two-sample form of the Dvoretzky-Kiefer-Wolfowitz inequality, proved for equal sizes of 458 and more
    (Wei and Dudley, "Two-sample Dvoretzky-Kiefer-Wolfowitz inequalities", 2012).
    """
    mine, theirs = one.ordered, other.ordered
    share = np.arange(len(mine) + 1) / len(mine)
    upto = np.searchsorted(theirs, mine, side="right")
    below = np.searchsorted(theirs, mine, side="left") if (theirs[upto - 1] == mine).any() else upto  # the same, but for equal numbers
    scale = (len(mine) + len(theirs)) / (len(mine) * len(theirs))
    limit = math.sqrt(-math.log(FALSE_FAIL / 2) / 2 * scale)
    # The shares of both samples that lie below a number part most at one of mine, or just before one.
    distance = float(max((share[1:] - upto / len(theirs)).max(), (below / len(theirs) - share[:-1]).max()))
    return (math.inf if np.isnan(mine[-1]) or np.isnan(theirs[-1]) else distance), limit


def _type_difference(received, expected, at):
    message = f"Expected {kind_text(expected)}; you returned {kind_text(received)}."
    if received is None and not at:
        message += " Is a `return` missing, or does a branch end without one?"
    return Difference(at, "type", message, kind_text(expected), kind_text(received))


_COMPARISONS = (
    (Placed, _placed),
    (Sample, _samples),
    (Predictions, _predictions),
    (Caught, _caught),
    (Pair, _pairs),
    (Band, _bands),
    (np.ndarray, _arrays),
    (dict, _dicts),
    ((list, tuple), _sequences),
    ((bool, int, float, str, type(None)), _scalars),
)
