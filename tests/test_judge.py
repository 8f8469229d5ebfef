"""The judge: what counts as the same, and what it says where two answers part."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.asking import Answer, Raised
from grader.bench import Predictions, Sample
from grader.judge import FALSE_FAIL, TOLERANCES, agree, differences, sample_distance
from grader.wire import Opaque, Placed

FLOATS = [dtype for dtype in TOLERANCES if not dtype.is_complex]


def placed(values, dtype=torch.float32):
    return Placed(torch.as_tensor(values, dtype=dtype), "cpu")


def only(received, expected):
    found = differences(received, expected)
    assert len(found) == 1, found
    return found[0]


def test_tolerances_are_those_of_torch_testing():
    from torch.testing._comparison import default_tolerances

    for dtype, tolerance in TOLERANCES.items():
        assert tolerance == default_tolerances(dtype)
    assert default_tolerances(torch.int64) == (0, 0)


@given(st.sampled_from(FLOATS), st.integers(0, 10**6), st.sampled_from([0.0, 1e-9, 1e-7, 1e-5, 1e-3, 0.1]))
@settings(max_examples=300, deadline=None)
def test_it_agrees_with_assert_close(dtype, seed, noise):
    generator = torch.Generator().manual_seed(seed)
    expected = torch.randn(3, 4, generator=generator, dtype=torch.float64).to(dtype)
    received = (expected.double() + noise * torch.randn(3, 4, generator=generator, dtype=torch.float64)).to(dtype)
    try:
        torch.testing.assert_close(received, expected)
        close = True
    except AssertionError:
        close = False
    assert (differences(Placed(received, "cpu"), Placed(expected, "cpu")) == []) == close


@given(st.integers(0, 11), st.floats(0.01, 1e6))
@settings(max_examples=100, deadline=None)
def test_it_finds_the_one_wrong_entry(position, error):
    expected = torch.zeros(3, 4)
    received = expected.clone()
    received.view(-1)[position] = error
    difference = only(Placed(received, "cpu"), Placed(expected, "cpu"))
    assert difference.kind == "value" and difference.wrong == 1 and difference.total == 12
    assert difference.index == [position // 4, position % 4]
    assert difference.largest == pytest.approx(error, rel=1e-6)
    assert difference.grid[position // 4][position % 4] == 1.0


@pytest.mark.parametrize(
    "received, expected, kind, words",
    [
        (placed([1.0]), placed([[1.0]]), "shape", "(1, 1)"),
        (placed([1.0], torch.float64), placed([1.0]), "dtype", "float64"),
        (Placed(torch.ones(1), "cuda"), placed([1.0]), "device", "cuda"),
        (placed([math.nan, 1.0]), placed([0.0, 1.0]), "nan", "NaN"),
        (placed([0.0, 1.0]), placed([math.nan, 1.0]), "nan", "NaN"),
        (placed([3.0, math.nan]), placed([1.0, 1.0]), "nan", "First at [1]: expected 1, got nan."),
        (None, placed([1.0]), "type", "return"),
        (placed([1.0]).tensor.numpy(), placed([1.0]), "type", "NumPy"),
        (3.5, placed([1.0]), "type", "float"),
        (5e-324, 0.5, "value", "got 4.94066e-324"),
        (placed(6.0), placed(2.0), "value", "Expected 2, got 6. Yours is 3 times what is expected."),
        (Opaque("Linear"), placed([1.0]), "type", "Linear"),
        ([1, 2], (1, 2), "type", "tuple"),
        ((1,), (1, 2), "length", "(1, 2)"),
        ({"a": 1}, {"b": 1}, "keys", "other parts than asked; missing: b; not asked for: a."),
        (True, 1, "type", "bool"),
        (2, 3, "value", "3"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "keys", "in the order a, b"),
        (0.25, 0.5, "value", "divided by 2"),
        ("ValueError", "TypeError", "value", "TypeError"),
        (placed([[1.0, 2.0], [3.0, 4.0]]), placed([[1.0, 3.0], [2.0, 4.0]]), "value", "transpose"),
        (placed([[1.0], [2.0]]), placed([[1.0, 2.0]]), "shape", "transpose"),
        (placed([1.0, 2.0]), placed([4.0, 8.0]), "value", "divided by 4"),
        (placed([3.0, 6.0]), placed([1.0, 2.0]), "value", "3 times"),
        (placed([-1.0, 2.0]), placed([1.0, -2.0]), "value", "sign"),
        (placed([0.0, 0.0]), placed([1.0, -2.0]), "value", "zero everywhere"),
        (placed([1, 2], torch.int64), placed([1, 3], torch.int64), "value", "[1]"),
        (placed([math.inf]), placed([1.0]), "value", "inf"),
    ],
)
def test_it_says_what_differs(received, expected, kind, words):
    difference = only(received, expected)
    assert difference.kind == kind
    assert words in difference.message


@pytest.mark.parametrize(
    "same",
    [
        (placed([math.nan, math.inf]), placed([math.nan, math.inf])),
        (placed([]), placed([])),
        (5, 5.0),
        (0.1 + 0.2, 0.3),
        (None, None),
        ((1, [2.0, "x"]), (1, [2.0, "x"])),
    ],
)
def test_these_are_the_same(same):
    assert differences(*same) == []


def test_the_place_of_a_difference_is_named():
    difference = only({"x (2, 3)": [1, 2]}, {"x (2, 3)": [1, 3]})
    assert difference.at == "x (2, 3) › [1]"


def test_large_differences_are_drawn_small():
    difference = only(Placed(torch.ones(500, 600), "cpu"), Placed(torch.zeros(500, 600), "cpu"))
    assert len(difference.grid) <= 24 and len(difference.grid[0]) <= 24 and difference.expected.count("\n") == 0


def test_a_task_may_state_its_own_tolerance():
    assert differences(0.5001, 0.5, (1e-3, 0.0)) == [] and differences(0.5001, 0.5) != []


def test_equal_exceptions_agree():
    one, other = Answer(raised=Raised("ValueError", "a")), Answer(raised=Raised("ValueError", "b"))
    assert agree(one, one) and not agree(one, other) and not agree(one, Answer(3)) and not agree(Answer(3), one)


def uniform(seed, bound=1.0, count=20_000):
    return (torch.rand(count, generator=torch.Generator().manual_seed(seed)) * 2 - 1) * bound


@pytest.mark.parametrize("seed", range(20))
def test_samples_of_one_distribution_agree(seed):
    assert differences(Sample(uniform(seed)), Sample(uniform(seed + 1000))) == []


@given(*(st.lists(st.integers(0, 9) | st.floats(allow_nan=False, width=32), min_size=1, max_size=30) for _ in "xy"))
def test_the_distance_of_two_samples_is_kolmogorov_and_smirnovs(x, y):
    """Of few numbers, some of them equal, and not as many in both."""
    distance, _ = sample_distance(Sample(torch.tensor(x, dtype=torch.float64)), Sample(torch.tensor(y, dtype=torch.float64)))
    shares = [sum(each <= point for each in x) / len(x) - sum(each <= point for each in y) / len(y) for point in (*x, *y)]
    assert math.isclose(distance, max(map(abs, shares)), abs_tol=1e-12)


def test_the_sample_limit_has_the_stated_false_fail_rate():
    """Over 2000 pairs the largest distance stays where chance puts it: well under the limit for one in 10^8."""
    distances = [sample_distance(Sample(uniform(seed, count=1000)), Sample(uniform(seed + 5000, count=1000))) for seed in range(2000)]
    limit = distances[0][1]
    expected_largest = math.sqrt(math.log(2 * 2000) / 1000)  # the limit for one in 2000
    assert FALSE_FAIL <= 1e-8
    assert max(distance for distance, _ in distances) < 1.15 * expected_largest < limit


@pytest.mark.parametrize(
    "other",
    [uniform(1, 1.15), uniform(1, 3**0.5), uniform(1).abs(), torch.zeros(20_000), torch.full((20_000,), math.nan), uniform(1) + 0.05],
    ids=["15 % wider", "√3 wider", "positive", "constant", "nan", "shifted"],
)
def test_samples_of_other_distributions_differ(other):
    difference = only(Sample(other), Sample(uniform(7)))
    assert difference.kind == "sample" and len(difference.histogram) == 2


def test_predictions_are_judged_by_how_many_are_right():
    labels = torch.arange(100) % 10
    reference = Predictions(labels.roll(3), labels, 0.9)  # what it predicts itself does not matter
    classes = labels.clone()
    classes[:10] = 9 - classes[:10]
    assert not differences(Predictions(classes, None, 0.0), reference)
    classes[10] = 5
    difference = only(Predictions(classes, labels, 0.0), reference)
    assert difference.kind == "accuracy" and difference.message.startswith("89 of 100 predictions are right, 89.0%; 90%")
    assert "always predict 4" in only(Predictions(torch.full((100,), 4), None, 1.0), reference).message
    assert only(Predictions(labels[:50], None, 1.0), reference).kind == "shape"
    assert only(Predictions(labels.float(), None, 1.0), reference).kind == "dtype"
    assert only(Placed(labels, "cpu"), reference).kind == "type"


def test_two_learners_predict_the_same_only_if_they_agree_everywhere():
    one = Predictions(torch.tensor([1, 2, 3]), None, 0.5)
    assert not differences(one, Predictions(torch.tensor([1, 2, 3]), None, 0.5))
    assert only(one, Predictions(torch.tensor([1, 2, 4]), None, 0.5)).kind == "accuracy"
    assert only(Predictions(torch.tensor(1), None, 0.5), Predictions(torch.tensor(2), None, 0.5)).kind == "accuracy"  # of one image


def test_two_that_know_the_labels_are_alike_if_both_have_enough_right_or_neither_has():
    labels = torch.arange(10)
    predict = lambda right, open: Answer({"classes": Predictions(torch.where(labels < right, labels, -1), labels, 0.5, open)})
    assert agree(predict(1, True), predict(4, True)) and agree(predict(6, True), predict(9, True))
    assert not agree(predict(4, True), predict(6, True)) and not agree(predict(6, True), predict(4, True))
    assert not agree(predict(1, False), predict(4, False))
    assert only(predict(4, True).value, predict(9, True).value).kind == "accuracy" and only(predict(4, True).value, predict(3, True).value).kind == "accuracy"


def test_torchs_size_messages_are_explained_in_the_tasks_shapes():
    from grader.explain import explain

    calls = [{"x": torch.zeros(2, 4, 5), "weight": torch.zeros(3, 5)}]
    text = explain("mat1 and mat2 shapes cannot be multiplied (8x5 and 3x5)", calls)
    assert "x, of shape (2, 4, 5), with its leading dimensions flattened" in text and "(3, 5) is weight" in text
    x, weight = torch.zeros(4, 5), torch.zeros(3, 5)
    for call, words in [
        (lambda: x @ weight, "inner sizes"),
        (lambda: x + weight, "entry by entry"),
        (lambda: x + torch.zeros(3), "entry by entry"),
        (lambda: torch.dot(x[0], weight[:, 0]), "dot product"),
        (lambda: x @ weight.T.double(), "dtype"),
        (lambda: x.T.view(-1), "reshape"),
        (lambda: x.reshape(3, 7), "number of entries"),
        (lambda: torch.zeros(2, 2, 2).t(), "dimensions"),
        (lambda: torch.zeros(2, requires_grad=True).add_(1), "no_grad"),
        (lambda: torch.zeros(2).sum().backward(), "cut off"),
        (lambda: torch.mv(x, torch.zeros(4)), "vector"),
        (lambda: x.numpy() + weight.numpy(), "broadcast"),
    ]:
        with pytest.raises(Exception) as caught:
            call()
        assert words in explain(str(caught.value), [{"x": x, "weight": weight}]), str(caught.value)


def test_numbers_that_look_alike_are_told_in_the_digits_that_differ():
    value = only(-10.653, -10.653 + 2e-6)
    assert value.message == "Expected -10.652998, got -10.653."
    matrix = lambda last: Placed(torch.tensor([[1.0, 2.0], [3.0, last]], dtype=torch.float64), "cpu")
    found = only(matrix(4.0), matrix(4.000003))
    assert "expected 4.000003, got 4." in found.message and "times what is expected" not in found.message
    assert found.expected != found.received


def test_a_float_is_no_whole_number_but_a_whole_number_is_a_float():
    assert only(650.0, 650).message == "Expected an int; you returned a float."
    assert not differences(650, 650.0)


def test_numbers_of_many_digits_are_written_with_their_power_of_ten():
    found = only(placed([math.inf, 2.0]), placed([-8.4e30, 2.0]))
    assert found.expected.split() == ["-8.4000e+30", "2.0000"] and found.received.split() == ["inf", "2.0000"]
