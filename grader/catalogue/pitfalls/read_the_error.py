"""Task read_the_error."""

import re

import torch
import torch.nn.functional as F

from ...spec import Task

FORMS = (
    r"\(\d+x(?P<given>\d+) and (?P<needed>\d+)x\d+\)",
    r"mat \(\d+x(?P<needed>\d+)\), vec \((?P<given>\d+)\)",
    r"to be: \[\d+, (?P<given>\d+)\] but got: \[\d+, (?P<needed>\d+)\]",
    r"expanded size of the tensor \((?P<needed>\d+)\) must match the existing size \((?P<given>\d+)\)",
    r"size of tensor a \((?P<needed>\d+)\) must match the size of tensor b \((?P<given>\d+)\)",
)


def read_the_error_reference(message):
    for form in FORMS:
        found = re.search(form, message)
        if found:
            return int(found["given"]), int(found["needed"])
    return None


read_the_error = Task(
    "read_the_error",
    reference=read_the_error_reference,
    section="pitfalls-errors",
    hints=(
        "A message names more numbers than two, and `mat1` holds a digit, too. Which words or marks stand around the two that clash?",
        r"One pattern for each form, such as r'\(\d+x(\d+) and (\d+)x\d+\)': re.search gives None where it does not fit, else a match "
        "whose groups are texts.",
    ),
)


@read_the_error.probe(points=1)
def reads_a_product_of_matrices(read_the_error, bench, B=4, I=5, O=3):
    """x (rows, given) meets a weight (out, needed) in F.linear, with a bias and without."""
    answers = {}
    sizes = [(B, I, O), (bench.size(15, 19), bench.size(30, 39), bench.size(40, 49))]
    for (rows, given, out), bias in zip(sizes, [torch.zeros(O), None]):
        needed = bench.size(20, 29)
        message = bench.catch(lambda: F.linear(torch.zeros(rows, given), torch.zeros(out, needed), bias)).message
        answers[f"F.linear, x {(rows, given)}, weight {(out, needed)}"] = repr(bench.sequence(read_the_error(message)))
    return answers


@read_the_error.probe(points=1)
def reads_through_flattened_dimensions(read_the_error, bench):
    """x (..., given) has several leading dimensions, which torch reports as one, or none; sizes of one digit and of three."""
    out = bench.size(40, 49)
    shapes = [((3, 5, bench.size(30, 39)), 20), ((2, 3, 4, bench.size(700, 799)), 9), ((8,), bench.size(500, 599))]
    answers = {}
    for shape, needed in shapes:
        message = bench.catch(lambda: F.linear(torch.zeros(shape), torch.zeros(out, needed), torch.zeros(out))).message
        answers[f"F.linear, x {shape}, weight {(out, needed)}"] = repr(bench.sequence(read_the_error(message)))
    return answers


@read_the_error.probe(points=1)
def reads_the_rarer_products(read_the_error, bench):
    """weight @ x for one vector x (given,); and F.linear of a permuted batch (2, 4, given)."""
    given, needed, out = bench.size(30, 39), bench.size(20, 29), bench.size(40, 49)
    weight, permuted = torch.zeros(out, needed), torch.zeros(4, 2, given).transpose(0, 1)
    calls = {
        f"weight {(out, needed)} @ x {(given,)}": lambda: weight @ torch.zeros(given),
        f"F.linear, permuted x {(2, 4, given)}, weight {(out, needed)}": lambda: F.linear(permuted, weight, torch.zeros(out)),
    }
    return {case: repr(bench.sequence(read_the_error(bench.catch(call).message))) for case, call in calls.items()}


@read_the_error.probe(points=1)
def reads_a_clash_with_the_bias(read_the_error, bench):
    """A bias (given,) or (rows, given) where y has `needed` outputs: in F.linear, and in y + bias."""
    given, rows = bench.size(30, 39), bench.size(10, 19)
    answers = {}
    for y, bias in [((rows, 20), (given,)), ((rows, 3), (rows, given))]:
        message = bench.catch(lambda: F.linear(torch.zeros(rows, 5), torch.zeros(y[-1], 5), torch.zeros(bias))).message
        answers[f"F.linear, output {y}, bias {bias}"] = repr(bench.sequence(read_the_error(message)))
    for y, bias in [((rows, 20), (given,)), ((2, rows, 20), (given,)), ((rows, 3), (rows, 4))]:
        message = bench.catch(lambda: torch.zeros(y) + torch.zeros(bias)).message
        answers[f"y + bias, y {y}, bias {bias}"] = repr(bench.sequence(read_the_error(message)))
    return answers


@read_the_error.probe(points=1)
def knows_when_it_is_not_about_sizes(read_the_error, bench):
    """None for an error of dtypes or of a view; and a call right after them, with clashing sizes, gives its sizes."""
    given, needed = bench.size(30, 39), bench.size(20, 29)
    calls = {
        "two dtypes in F.linear": lambda: F.linear(torch.zeros(4, 5, dtype=torch.float64), torch.zeros(3, 5)),
        "a view of a permuted x": lambda: torch.zeros(4, 5).T.view(-1),
        f"F.linear, x {(4, given)}, weight {(3, needed)}": lambda: F.linear(torch.zeros(4, given), torch.zeros(3, needed)),
    }
    return {case: repr(bench.sequence(read_the_error(bench.catch(call).message))) for case, call in calls.items()}


@read_the_error.starts_from(
    "You take the first two numbers of the message. Those of `mat1` and `mat2` are no sizes, others are sizes that do not clash, and "
    "a message may hold no number at all. Look for the two sizes by the marks around them."
)
def takes_the_first_two_numbers(message):
    import re

    numbers = [int(digits) for digits in re.findall(r"\d+", message)]
    return numbers[0], numbers[1]


# fmt: off
read_the_error.mistake("reads_the_outer_sizes", {r"\d+x(?P<given>\d+) and (?P<needed>\d+)x\d+": r"(?P<given>\d+)x\d+ and \d+x(?P<needed>\d+)"},
    "You read the outer sizes, the rows of x and the outputs. A product needs equal *inner* sizes; the outer ones may be anything.")
read_the_error.mistake("reads_the_shape_of_mat1", {r"\d+x(?P<given>\d+) and (?P<needed>\d+)x": r"(?P<given>\d+)x(?P<needed>\d+) and \d+x"},
    "You read the two sizes of mat1. Those belong to one tensor; the second of them clashes with the first of mat2.")
read_the_error.mistake("takes_mat2_for_the_weight", {r"(?P<needed>\d+)x\d+": r"\d+x(?P<needed>\d+)"},
    "You take mat2 for the weight, (out, in), and read its second size. It is the weight's transpose: (in, out).")
read_the_error.mistake("believes_got_input", {r"mat \(\d+x(?P<needed>\d+)\), vec \((?P<given>\d+)\)": r"got input \((?P<given>\d+)\), mat \(\d+x(?P<needed>\d+)\)"},
    "In the message about a vector, `got input` is not your x: it is the result, with one number for each output. Your x is `vec`.")
read_the_error.mistake("takes_the_expected_for_the_needed", {r"(?P<given>\d+)\] but got: \[\d+, (?P<needed>\d+)": r"(?P<needed>\d+)\] but got: \[\d+, (?P<given>\d+)"},
    "In the message about `batch2` you take the expected size for the one that is needed. "
    "`batch2` is the weight: torch wants it to fit x. What is needed is what the weight has, after `but got`.")
read_the_error.mistake("keeps_the_order_of_the_message", {'found["given"]': "found[1]", 'found["needed"]': "found[2]"},
    "You return the sizes in the order of the message. Where a bias clashes, its own size is named second: first return what was given, then what was needed.")
read_the_error.mistake("takes_tensor_a_for_the_bias", {r"a \((?P<needed>": r"a \((?P<given>", r"b \((?P<given>": r"b \((?P<needed>"},
    "In `y + bias`, a is y: its size is needed; b, the bias's, was given.")
read_the_error.mistake("exchanges_given_and_needed", {'int(found["given"]), int(found["needed"])': 'int(found["needed"]), int(found["given"])'},
    "You return what was needed first. What was given comes first.")
read_the_error.mistake("returns_texts", {'int(found["given"]), int(found["needed"])': 'found["given"], found["needed"]'},
    "You return texts, '512' for 512. What a pattern finds is text: make it an int.")
read_the_error.mistake("knows_only_matrices", {"in forms:": "in forms[:1]:"},
    "You know only the message about two matrices. A single vector, a permuted batch and a bias clash in other words.")
read_the_error.mistake("expects_sizes_in_every_message", {"return int": "break\n    return int"},
    "Where nothing is found, re.search gives None, and None has no groups. Return None for such a message.", raises=TypeError)
read_the_error.mistake("expects_two_digits", {"(form, message)": r"(form.replace(r'>\d+', r'>\d\d'), message)"},
    "You take sizes for numbers of two digits. They have one digit or more: `\\d+`.")
