"""The numbers of the figures that move in chapters 10 to 14, against torch's and the exercises'. Needs `make site` and a Chromium."""

import itertools
import math
from fractions import Fraction

import pytest
import torch
import torch.nn.functional as F

from grader.catalogue.cost.intensity import intensity_reference
from grader.catalogue.cost.linear_bytes import linear_bytes_reference
from grader.catalogue.cost.ridge_rows import ridge_rows_reference

from .browsing import browser, home, site  # noqa: F401
from .moving import Figure, near, open_page, screens, trial  # noqa: F401


DTYPES = {  # and the integers of as many bits, which torch has views for
    "float32": (torch.float32, torch.int32),
    "bfloat16": (torch.bfloat16, torch.int16),
    "float16": (torch.float16, torch.int16),
    "e4m3": (torch.float8_e4m3fn, torch.uint8),
}


def word_of(number, integers):
    return number.view(integers).item() % 2 ** (8 * number.element_size())


def number_of(word, dtype, integers):
    bits = 8 * dtype.itemsize
    return torch.tensor(word - 2**bits if integers.is_signed and word >= 2 ** (bits - 1) else word, dtype=integers).view(dtype)


def same(text, number):
    """Whether the figure's number is torch's; −0 and 0 are told apart by their words."""
    return float(text) == number.item() or float(text) != float(text) and number.isnan().item()


# Write each text, or press each cell (counted from the first bit), and note what the figure says.
WRITE = """(box, texts) => texts.map((text) => {
  const field = box.querySelector("input[type=text]");
  field.value = text;
  field.dispatchEvent(new Event("input"));
  return JSON.parse(box.dataset.values);
})"""
PRESS = """(box, places) => places.map((place) => {
  box.querySelectorAll("[role=gridcell]")[place].dispatchEvent(new MouseEvent("click"));
  return JSON.parse(box.dataset.values);
})"""
TEXTS = ["1 + 2^-9", "256 + 1", "258 + 1", "65519.9", "65520", "-65520", "2^-20", "2^-10", "2^-9 + 2^-10", "2^-24", "2^-25", "2^-25 + 2^-40", "2^-133", "2^-134", "2^-149", "2^-126 - 2^-149",
         "0", "-0", "0.1", "0.333333333", "448", "464", "-464", "inf", "-inf", "3.4028234e38", "2^128 - 2^103", "1e39", "7e-46", "7.1e-46", "16777217", "-1.5"]


def meant(text):
    return sum(eval(term.replace("^", "**").replace("inf", "math.inf")) for term in text.replace(" - ", " + -").split(" + ")) if text != "-0" else -0.0


@pytest.mark.parametrize("name", DTYPES)
def test_bits_are_those_of_torchs_cast(open_page, name):
    dtype, integers = DTYPES[name]
    figure = Figure(open_page(), "bits")
    figure.choose(name, exact=True)
    generator = torch.Generator().manual_seed(0)
    exponents = torch.randint(-149, 128, (300,), generator=generator).double()
    anywhere = (torch.randn(300, dtype=torch.float64, generator=generator) * 2**exponents).tolist()
    nearby = (torch.randn(300, dtype=torch.float64, generator=generator) * 2 ** (exponents / 16)).tolist()
    ties = ((torch.randint(0, 2**9, (300,), generator=generator) + 0.5) * 2.0 ** torch.randint(-12, 9, (300,), generator=generator)).tolist()
    numbers = [*map(meant, TEXTS), *anywhere, *nearby, *ties]
    found = figure.box.evaluate(WRITE, [*TEXTS, *map(repr, [*anywhere, *nearby, *ties])])
    for number, said in zip(numbers, found, strict=True):
        x = torch.tensor(number, dtype=torch.float64).float()
        assert same(said["x"], x)
        if name == "e4m3" and abs(x) > 464:  # what a cast makes of these differs between torch's versions
            assert said["word"] == (126 if x > 0 else 254) and abs(x.to(dtype).float().nan_to_num(448)) == 448
            continue
        assert said["word"] == word_of(x.to(dtype), integers), number
        assert same(said["value"], x.to(dtype).float())


@pytest.mark.parametrize("name", DTYPES)
def test_flipped_bits_mean_what_torch_reads_in_them(open_page, name):
    dtype, integers = DTYPES[name]
    figure = Figure(open_page(), "bits")
    figure.choose(name, exact=True)
    bits = 8 * dtype.itemsize
    if name == "e4m3":
        places = [bits - 1 - (step & -step).bit_length() + 1 for step in range(1, 2**bits)]  # a Gray code: all 256 words
    else:
        places = torch.randint(0, bits, (1500,), generator=torch.Generator().manual_seed(0)).tolist()
    word = word_of(torch.tensor(1.0).to(dtype), integers)
    words = set()
    for place, said in zip(places, figure.box.evaluate(PRESS, places), strict=True):
        word ^= 1 << (bits - 1 - place)
        words.add(word)
        number = number_of(word, dtype, integers)
        assert said["word"] == word and same(said["value"], number.float())
        neighbours = [float("nan")] * 2
        if not number.float().isnan():
            size = word % 2 ** (bits - 1)
            for side, way in enumerate((-1, 1)):
                place = (size if word == size else -size) + way
                other = number_of(abs(place), dtype, integers).float().item()
                neighbours[side] = -other if place < 0 else other
        assert all(same(text, torch.tensor(other)) for text, other in zip(said["around"], neighbours))
    assert name != "e4m3" or len(words) == 255


def test_what_the_reader_of_bits_meets(open_page):
    figure = Figure(open_page(), "bits")
    figure.press("1 + 2")
    assert "is rounded to 1, off by 2⁻⁹" in figure.says() and "Next larger: 1.0078125, 2⁻⁷ away" in figure.says()
    figure.press("256 + 1")
    assert "257 is rounded to 256, off by 1: a tie with 258" in figure.says()
    figure.press("65520")
    figure.choose("float16", exact=True)
    assert figure.value == "Infinity" and "overflows" in figure.says()
    figure.press("Next smaller")
    assert figure.value == "65504"
    figure.press("2⁻²⁰")
    assert "E = 0, subnormal, f = 16: v = +2⁻¹⁴ · 16/1024 ≈" in figure.says()
    figure.choose("e4m3")
    assert figure.word == 0 and "and lost" in figure.says()
    figure.press("65520")
    assert figure.value == "448" and "no infinity" in figure.says() and "Next larger: none" in figure.says()


def test_the_roofline_is_the_exercise_s(open_page):
    figure = Figure(open_page(), "roofline")
    dtypes = {1: torch.float8_e4m3fn, 2: torch.bfloat16, 4: torch.float32}

    def check():
        B, I, O, dtype, P, R = (*(figure.values()[name] for name in "BIO"), dtypes[figure.s], figure.P, figure.R)
        assert figure.F == 2 * B * I * O and figure.Q == linear_bytes_reference(B, I, O, dtype, bias=False)
        near(figure.A, intensity_reference(B, I, O, dtype))
        assert figure.ridge == ridge_rows_reference(I, O, dtype, Fraction(P), Fraction(R))
        assert (figure.bound == "compute") == (figure.ridge is not None and B >= figure.ridge)
        near(math.log(figure.t), math.log(max(figure.F / P, figure.Q / R)))

    check()
    assert (figure.P, figure.R, figure.ridge) == (989e12, 3.35e12, 345)
    alone = figure.A
    figure.press("2 × I and O")
    check()
    assert alone < figure.A < 1 and "t × 3.99" in figure.says()  # four times as large, four times as long: A stays
    figure.press("Start again")
    figure.press("2 × B")
    check()
    assert "F × 2," in figure.says() and "t × 1." in figure.says()
    for size in (0, 4, 8, 13):
        for s in "421":
            figure.choose(s)
            figure.slide("out_features O", size)
            figure.slide("rows B", 14 - size)
            check()
    for peak, bandwidth in ((11, 10.3), (15.5, 10), (10, 13)):
        figure.slide("peak P", peak)
        figure.slide("bandwidth R", bandwidth)
        check()
    figure.press("Start again")
    figure.press("To the ridge")
    check()
    assert figure.B == 345 and figure.bound == "compute"
    figure.slide("out_features O", 8)
    assert figure.ridge is None and "no number of rows" in figure.says() and figure.role("button", "To the ridge").is_disabled()


def test_levels_are_the_chapters_formulas_and_torchs(open_page):
    figure = Figure(open_page(), "levels")
    large = figure.role("slider", "the large weight")
    cases = [(bits, name, share) for bits in range(2, 9) for name in ("symmetric", "affine") for share in ("all twelve", "each four")]
    steps = itertools.cycle((["Shift+ArrowRight"] * 4, ["ArrowLeft"] * 3, ["Shift+ArrowLeft"] * 7))
    for (bits, name, share), keys in zip(cases, steps):
        figure.slide("bits", bits)
        figure.choose(name)
        figure.choose(share)
        figure.keys(large, *keys)
        values = figure.values()
        given, found = (torch.tensor(values[key], dtype=torch.float64) for key in ("weights", "back"))
        parts = given.reshape(1 if share == "all twelve" else 3, -1)
        if name == "symmetric":
            first, last = 1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1
            s = parts.abs().amax(1, keepdim=True) / last
            z = torch.zeros_like(s)
        else:
            first, last = 0, 2**bits - 1
            low = parts.amin(1, keepdim=True).clamp(max=0)
            s = (parts.amax(1, keepdim=True).clamp(min=0) - low) / last
            z = (-low / s).round()
        q = ((parts / s).round() + z).clamp(first, last)
        assert torch.equal((s * (q - z)).view(3, 4), found)
        assert torch.equal(s.expand(-1, 12 // s.numel()).reshape(3, 4)[:, 0], torch.tensor(values["scales"], dtype=torch.float64))
        assert z.expand(-1, 12 // s.numel()).reshape(3, 4)[:, 0].tolist() == values["zero_points"]
        by_torch = torch.stack([torch.fake_quantize_per_tensor_affine(part, step.item(), int(point), first, last) for part, step, point in zip(parts, s, z)])
        tie = (parts / s % 1 - 0.5).abs() < 1e-5  # there float32, in which torch divides, may round the other way
        near(by_torch[~tie], (s * (q - z))[~tie])
        others = torch.arange(12) != 5
        errors = (found - given).flatten()[others].abs()
        near([values["worst"], values["mean"]], [errors.max(), errors.mean()])
        assert (errors <= (s.expand_as(parts).flatten()[others] / 2) * 1.001).all()
        assert values["distinct"] == found.flatten()[others].unique().numel() and values["zeros"] == (found.flatten()[others] == 0).sum()
        assert ("all come back as 0" if values["distinct"] == 1 else f"come back as {values['distinct']} different numbers") in figure.says()
    figure.press("Start again")
    figure.keys(large, *["Shift+ArrowRight"] * 6)
    assert figure.weights[1][1] == 4 and figure.distinct == 3
    figure.choose("each four")
    assert figure.distinct == 11


def test_cuts_are_torchs_and_a_bias_on_every_device_is_in_y_as_often(open_page):
    figure = Figure(open_page(), "cuts")
    for n in (1, 2, 4):
        figure.box.get_by_role("radio", name=str(n), exact=True).check()
        for cut, each in (("outputs", False), ("inputs", False), ("inputs", True)):
            figure.choose(cut)
            if each:
                figure.press("Each device adds b")
            values = figure.values()
            x, W, b = (torch.tensor(values[name], dtype=torch.float32) for name in ("x", "W", "b"))
            if cut == "outputs":
                parts = [[x] * n, W.chunk(n), b.chunk(n)]
                made = [F.linear(*part) for part in zip(*parts)]
                y, sends = torch.cat(made, -1), 1
            else:
                parts = [x.chunk(n, -1), W.chunk(n, -1), [b] * n]
                made = [F.linear(x_k, W_k, b if each else None) for x_k, W_k in zip(*parts[:2])]
                y, sends = sum(made) + (0 if each else b), 2
            whole = F.linear(x, W, b)  # small whole numbers: exact in any order
            assert torch.equal(torch.tensor(values["made"]), torch.stack(made).long()) and torch.equal(torch.tensor(values["y"]), y.long())
            assert torch.equal(torch.tensor(values["torchs"]), whole.long())
            assert values["held"] == [part[0].nbytes for part in parts]
            assert values["sent"] == sends * (n - 1) * whole.nbytes / n
            assert torch.equal(y - whole, ((n - 1) * b).expand_as(y) if each else torch.zeros_like(y))
            wrong = each and n > 1
            assert (f"b is in y {n} times" in figure.says()) == wrong and figure.box.locator(".cell.wrong").count() == wrong * y.numel()
            for r, o in ((0, 3), (1, 0)):
                figure.keys(figure.role("gridcell", f"y[{r}, {o}]"))
                said = figure.says().partition("\n")[0].partition(" = ")[2].partition(":")[0].rstrip(".").replace("−", "-")
                left, _, right = said.rpartition(" = ")
                assert int(right) == y[r, o] and (not left or eval(left) == y[r, o])
        figure.press("Each device adds b")
        figure.press("Other numbers")
