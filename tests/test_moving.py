"""The figures that move, as a reader uses them: by mouse, finger and keys; their numbers against torch's. On a page of the test's own, opened as
a file, and on the site's pages that have one. Needs `make site` and a Chromium."""

import json
import math
import re

import pytest
import torch
import torch.nn.functional as F

from .browsing import AXE, DESK, PHONE, ROOT, SITE, browser, home, site  # noqa: F401

FOLDER = ROOT / "book/_static/moving"
NAMES = sorted(file.stem for file in FOLDER.glob("*.js") if file.stem != "moving")
BESIDE = {"routes"}  # stands beside the still figure, which shows something else
STILL = """<section><figure id="still-{name}"><img alt="The still one" width="400" height="200" src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>">
<figcaption><p><span class="caption-number">Fig. 1 </span><span class="caption-text">Still.</span></p></figcaption></figure>
<div data-moving="{name}" hidden></div></section>"""

every_figure = pytest.mark.parametrize("name", NAMES)
profiles = pytest.mark.parametrize("profile, scheme", [(DESK, "light"), (DESK, "dark"), (PHONE, "light"), (PHONE, "dark")], ids=["desk-light", "desk-dark", "phone-light", "phone-dark"])


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """A page with every figure that moves, after a still one each."""
    styles = "".join(f'<link rel="stylesheet" href="{file.as_uri()}">' for file in (FOLDER.parent / "site.css", FOLDER / "moving.css"))
    scripts = "".join(f'<script defer src="{(FOLDER / name).as_uri()}.js"></script>' for name in ["moving", *NAMES])
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Trial</title>{styles}'
    body = "".join(STILL.format(name=name) for name in NAMES)
    page = tmp_path_factory.mktemp("moving") / "trial.html"
    page.write_text(f'<!doctype html><html lang="en"><head>{head}</head><body style="display: block"><main><h1>Trial</h1><article>{body}</article></main>{scripts}</body></html>', encoding="utf-8")
    return page.as_uri()


@pytest.fixture
def open_page(browser, trial):
    contexts, troubles = [], []

    def opened(address=trial, **settings):
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: request.url.startswith(("file:", "data:", browser.home)) or troubles.append(request.url))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not troubles


class Figure:
    """A figure that moves: what it holds, and how one takes hold of it."""

    def __init__(self, page, name):
        self.page, self.box = page, page.locator(f"#moving-{name}")

    def __getattr__(self, name):
        return self.values()[name]

    def values(self):
        return json.loads(self.box.get_attribute("data-values"))

    def tensor(self, name):
        return torch.tensor(self.values()[name], dtype=torch.float64)

    def says(self):
        return self.box.locator(".readout").inner_text().replace("\xa0", " ")

    def role(self, role, name):
        return self.box.get_by_role(role, name=name, exact=False).first

    def press(self, name):
        self.role("button", name).click()

    def choose(self, name):
        self.role("radio", name).check()

    def slide(self, name, value):
        self.role("slider", name).evaluate("(input, value) => { input.value = value; input.dispatchEvent(new Event('input', {bubbles: true})) }", value)

    def middle(self, locator):
        locator.scroll_into_view_if_needed()
        box = locator.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag(self, locator, dx, dy=0):
        x, y = self.middle(locator)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + dx, y + dy, steps=5)
        self.page.mouse.up()

    def finger(self, locator, dx, dy=0):
        x, y = self.middle(locator)
        device = self.page.context.new_cdp_session(self.page)
        for kind, part in [("touchStart", 0), *(("touchMove", step / 5) for step in range(1, 6))]:
            device.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x + part * dx, "y": y + part * dy}]})
        device.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def keys(self, locator, *keys):
        locator.focus()
        for key in keys:
            self.page.keyboard.press(key)


def near(ours, torchs):
    torch.testing.assert_close(torch.as_tensor(ours, dtype=torch.float64), torch.as_tensor(torchs, dtype=torch.float64), rtol=1e-5, atol=1e-5)


# ---- the place


@every_figure
def test_it_takes_the_still_one_s_place_on_screen_and_leaves_it_on_paper(open_page, name):
    page = open_page()
    still, box = page.locator(f"#still-{name} img"), page.locator(f"#moving-{name}")
    assert box.is_visible() and page.locator(f"#still-{name} .caption-number").is_visible()
    assert still.is_visible() == (name in BESIDE) and page.locator(f"#still-{name} .caption-text").is_visible() == (name in BESIDE)
    page.emulate_media(media="print")
    assert still.is_visible() and page.locator(f"#still-{name} .caption-text").is_visible() and not box.is_visible()


def test_without_scripts_the_still_ones_stand_there(open_page):
    page = open_page(java_script_enabled=False)
    assert page.locator("img:visible").count() == len(NAMES) and page.locator(".moving, [data-moving]:visible").count() == 0


@every_figure
def test_it_says_what_has_changed_once_it_is_quiet_and_nothing_at_first(open_page, name):
    figure = Figure(page := open_page(), name)
    heard = figure.box.locator("[role=status]")
    page.wait_for_timeout(900)
    assert heard.inner_text() == ""
    heard.evaluate("(heard) => { window.times = 0; new MutationObserver(() => window.times++).observe(heard, {childList: true}) }")
    for _ in range(4):
        figure.press("Start again")
    page.wait_for_function("window.times > 0")
    assert page.evaluate("window.times") == 1 and heard.inner_text().split() == figure.says().split()


# ---- mouse, finger, keys: for each figure the thing to take, and what is then another value

HOLDS = {
    "one-sum": ("gridcell", "x[1, 0]", "x"),
    "columns": ("slider", "column 0 of W", "W"),
    "depth": ("slider", "gain", "gain"),
    "routes": ("gridcell", "x[1, 1]", "picked"),
    "step": ("slider", "step h", "h"),
    "heads": ("button", "Shake token c", "shaken"),
}


@every_figure
@pytest.mark.parametrize("means", ["mouse", "finger", "keys"])
def test_it_is_moved_by(open_page, name, means):
    role, label, value = HOLDS[name]
    figure = Figure(open_page(**(PHONE if means == "finger" else DESK)), name)
    before, said, hold = figure.values(), figure.says(), figure.role(role, label)
    if name in ("depth", "step") and means != "keys":  # a slider is pressed where it should go
        size = hold.bounding_box()
        place = {"x": size["width"] * 0.4, "y": size["height"] / 2}
        hold.click(position=place) if means == "mouse" else hold.tap(position=place)
    elif means == "mouse":
        figure.drag(hold, 40) if name in ("one-sum", "columns") else hold.click()
    elif means == "finger":
        figure.finger(hold, 40) if name in ("one-sum", "columns") else hold.tap()
    else:
        figure.keys(hold, {"one-sum": "+", "routes": "ArrowLeft", "heads": "Enter"}.get(name, "ArrowRight"))
    assert figure.values()[value] != before[value] and figure.says() != said
    figure.press("Start again")
    assert figure.values() == before


def test_a_matrix_is_one_stop_for_the_tab_key_and_the_arrows_walk_in_it(open_page):
    figure = Figure(page := open_page(), "one-sum")
    figure.keys(figure.role("gridcell", "y[1, 2]"), "ArrowUp", "ArrowLeft")
    assert figure.picked == [0, 1]
    assert figure.box.get_by_role("grid", name="y").locator("[tabindex='0']").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('[role=grid]')") is None


def test_the_step_is_dragged_in_the_picture_too(open_page):
    figure = Figure(open_page(**DESK), "step")
    figure.drag(figure.box.locator(".sheet"), 30)
    assert 1e-8 < figure.h < 1e-3


# ---- the numbers


def test_one_sum_is_torchs_and_torchs_message(open_page):
    figure = Figure(open_page(), "one-sum")

    def theirs():
        return F.linear(figure.tensor("x"), figure.tensor("weight"), figure.tensor("bias"))

    near(figure.y, theirs())
    assert figure.says() == "y[1, 2] = 1 · 0.5 + 0 · 4 + 3 · 1 + 3 = 6.5"
    figure.keys(figure.role("gridcell", "y[0, 3]"))
    figure.keys(figure.role("gridcell", "weight[3, 0]"), *"---------")
    near(figure.y, theirs())
    left, right = figure.says().partition(" = ")[2].replace("·", "*").replace("−", "-").rsplit(" = ", 1)
    assert eval(left) == float(right) == figure.y[0][3] < 0
    figure.choose("(I, O)")
    with pytest.raises(RuntimeError) as refused:
        theirs()
    assert str(refused.value) in figure.says() and figure.y is None
    figure.choose("3: W is square")
    near(figure.y, theirs())
    near(figure.meant, F.linear(figure.tensor("x"), figure.tensor("weight").T, figure.tensor("bias")))
    wrong = sum(a != b for line, meant in zip(figure.y, figure.meant) for a, b in zip(line, meant))
    assert wrong and f"No error, and {wrong} of 6 entries are wrong." in figure.says()


def test_columns_are_torchs(open_page):
    figure = Figure(open_page(**DESK), "columns")
    square = torch.tensor([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=torch.float64)
    near(figure.W, [[1.2, 0.8], [-0.3, 1]])  # the still figure's
    figure.drag(figure.role("slider", "column 1 of W"), -60, 25)
    W, b = figure.tensor("W"), figure.tensor("b")
    near(figure.corners, F.linear(square, W, b))
    near(figure.det, torch.det(W))
    near(figure.sum, F.linear(square[2], W, b))
    near(torch.tensor(figure.both) - figure.tensor("sum"), b)
    figure.press("ReLU")
    near(figure.corners, F.linear(square, W, b).relu())
    figure.press("ReLU")
    figure.press("A second layer")
    one = figure.one
    near(figure.corners, F.linear(square, torch.tensor(one["W"], dtype=torch.float64), torch.tensor(one["b"], dtype=torch.float64)))
    figure.press("f(u + v)")
    assert "one does the same" in figure.says() and "W₂b + b₂" in figure.says()
    figure.press("Start again")
    figure.press("b = 0")
    near(figure.both, figure.sum)


def test_depth_is_the_recursion_and_what_torch_measures(open_page):
    figure = Figure(open_page(), "depth")
    for gain, depth in ((0.3, 30), (1 / math.sqrt(3), 20), (math.sqrt(2), 30), (2.5, 12)):
        if gain in (0.3, 2.5):
            figure.slide("gain", gain)
        else:
            figure.press("He" if gain > 1 else "Default")
        figure.slide("layers", depth)
        near(figure.gain, gain)
        q, c, signal, differences = 1.0, 0.0, [1.0], [1.0]
        for _ in range(depth):
            v, covariance = gain**2 * q + 1 / 1536, gain**2 * c + 1 / 1536
            angle = math.acos(min(1, covariance / v))
            q, c = v / 2, v / (2 * math.pi) * (math.sin(angle) + (math.pi - angle) * math.cos(angle))
            signal.append(math.sqrt(q))
            differences.append(math.sqrt(max(q - c, 0)))
        near(torch.tensor(figure.signal).log(), torch.tensor(signal).log())
        torch.testing.assert_close(figure.tensor("differences"), torch.tensor(differences, dtype=torch.float64), rtol=1e-5, atol=1e-7 * max(signal))  # q − c cancels here
        near(math.log(figure.gradient[0]), depth / 2 * math.log(gain**2 / 2))
    figure.press("Default")
    figure.slide("layers", 20)
    near(figure.signal[-1], 1 / math.sqrt(5 * 512))
    torch.manual_seed(0)
    with torch.no_grad():
        x = torch.randn(256, 512)
        for layer in range(1, 6):
            x = torch.relu(torch.nn.Linear(512, 512)(x))
            assert abs(x.square().mean().sqrt() / figure.signal[layer] - 1) < 0.3
            assert abs((x - x.mean(0)).square().mean().sqrt() / figure.differences[layer] - 1) < 0.3


def test_routes_are_autograds_and_wrong_formulas_pass_only_under_ones(open_page):
    figure = Figure(open_page(), "routes")
    for loss in ("random G", "y.sum()"):
        figure.choose(loss)
        x, weight, bias = (figure.tensor(name).requires_grad_() for name in ("x", "weight", "bias"))
        G = figure.tensor("G")
        assert bool((G == 1).all()) == (loss == "y.sum()")
        F.linear(x, weight, bias).backward(G)
        near(figure.grad_weight, weight.grad)
        for name, tensor in {"x": x, "W": weight, "b": bias[None]}.items():
            grad = bias.grad[None] if name == "b" else tensor.grad
            for i in range(tensor.shape[0]):
                for j in range(tensor.shape[1]):
                    label = f"b[{j}]" if name == "b" else f"{name}[{i}, {j}]"
                    figure.keys(figure.role("gridcell", f"{label} is"))
                    near(figure.gradient, grad[i, j])
        wrong = {"ignores": x.sum(0).expand(3, 2), "forgets": G @ x, "averages": torch.outer(G.mean(0), x.sum(0))}
        for name, formula in wrong.items():
            figure.box.locator("select").select_option(name)
            near(figure.grad_weight, formula.detach())
            assert figure.passes == (loss == "y.sum()") == torch.allclose(formula, weight.grad)
        figure.box.locator("select").select_option("right")
    figure.press("Another G")
    near(figure.grad_weight, figure.tensor("G").T @ figure.tensor("x"))


def test_the_step_is_torchs(open_page):
    figure = Figure(open_page(), "step")

    def loss(w):
        return (1 + (-w).exp()).log()

    w = torch.tensor(1.0, dtype=torch.float64)
    near(figure.slope, torch.func.grad(loss)(w))
    near(figure.third, torch.func.grad(torch.func.grad(torch.func.grad(loss)))(w).abs())
    for name, dtype, powers in (("float32", torch.float32, (0, -1)), ("float64", torch.float64, (0, -2, -5))):
        figure.choose(name)
        for power in powers:
            figure.slide("step h", power)
            h = torch.tensor(10.0**power, dtype=dtype)
            near(figure.central, (loss(w.to(dtype) + h) - loss(w.to(dtype) - h)) / (2 * h))
        epsilon = torch.finfo(dtype).eps
        near(math.log(figure.best), math.log(3 * epsilon * loss(w) / figure.third) / 3)
        figure.press("The best step")
        assert abs(figure.rounding / figure.truncation - 2) < 0.4 and "2 : 1" in figure.says()
        assert abs(figure.central - figure.slope) < 10 * (figure.rounding + figure.truncation)
    figure.choose("float32")
    figure.slide("step h", -9)
    assert figure.central == 0 and "the step is lost" in figure.says()


def test_heads_are_torchs_reshapes_and_the_leak_is_attentions(open_page):
    figure = Figure(open_page(), "heads")
    D = 4
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(3, D, D, dtype=torch.float64, generator=generator)
    for T, heads in ((4, 2), (6, 2), (5, 4), (3, 1)):
        figure.slide("tokens", T)
        figure.box.get_by_role("radio", name=str(heads), exact=True).check()
        d = D // heads
        ways = {
            "right": (lambda t: t.reshape(T, heads, d).transpose(0, 1), lambda t: t.transpose(0, 1).reshape(T, D)),
            "both by reshape": (lambda t: t.reshape(heads, T, d), lambda t: t.reshape(T, D)),
            "merge by reshape": (lambda t: t.reshape(T, heads, d).transpose(0, 1), lambda t: t.reshape(T, D)),
        }
        for way, (split, merge) in ways.items():
            figure.choose(way)
            values = figure.values()
            numbers = torch.arange(T * D).reshape(T, D)
            assert [int(split(numbers)[tuple(place)]) for place in values["split"]] == list(range(T * D))
            assert [int(merge(split(numbers))[tuple(place)]) for place in values["merged"]] == list(range(T * D))
            for token in range(T):
                figure.press(f"Shake token {'abcdef'[token]}")
                x = torch.randn(T, D, dtype=torch.float64, generator=generator)
                shaken = x.clone()
                shaken[token] += 1
                y, moved = (merge(F.scaled_dot_product_attention(*(split(t @ weight) for weight in weights), is_causal=True)) for t in (x, shaken))
                rows = ((y - moved).abs().amax(-1) > 1e-9).nonzero().flatten().tolist()
                assert figure.moved == rows
                assert ("A leak" in figure.says()) == any(row < token for row in rows)


# ---- everybody's


@profiles
def test_it_fits_is_large_enough_legible_and_accessible(open_page, profile, scheme):
    page = open_page(color_scheme=scheme, **profile)
    figures = {name: Figure(page, name) for name in NAMES}
    figures["one-sum"].choose("(I, O)")
    figures["one-sum"].choose("3: W is square")
    for name in ("f(u + v)", "ReLU"):
        figures["columns"].press(name)
    figures["heads"].choose("merge by reshape")
    figures["heads"].press("Shake token d")
    figures["routes"].box.locator("select").select_option("forgets")
    page.wait_for_timeout(500)  # colours glide
    assert page.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [profile["viewport"]["width"]] * 2
    assert not page.evaluate(SMALL)
    assert not page.evaluate(FAINT)
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.moving', {preload: false, resultTypes: ['violations']})")["violations"]
    assert not {fault["id"]: [node["html"][:200] for node in fault["nodes"][:3]] for fault in found}


# What can be pressed and is narrower or lower than 24 pixels.
SMALL = """[...document.querySelectorAll(".moving :is(button, select, [role=gridcell], [role=button], [role=slider], input[type=range], .options label)")]
    .filter((target) => { const box = target.getBoundingClientRect(); return Math.min(box.width, box.height) < 23.99 })
    .map((target) => target.outerHTML.slice(0, 120))"""

# Words in pictures whose contrast with the box that they stand in, or else with the page, is below 4.5 : 1. (axe does not look into pictures.)
FAINT = """(() => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
    const light = (...colours) => {
      for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1) }
      const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const paper = getComputedStyle(document.body).backgroundColor;
    return [...document.querySelectorAll(".moving svg text")].filter((text) => text.textContent).map((text) => {
      const box = text.parentNode.querySelector(":scope > rect");
      const ground = box ? light(paper, getComputedStyle(box).fill) : light(paper);
      const ink = light(getComputedStyle(text).fill);
      const contrast = (Math.max(ground, ink) + 0.05) / (Math.min(ground, ink) + 0.05);
      return [text.textContent, contrast];
    }).filter(([, contrast]) => contrast < 4.5);
})()"""


def test_nothing_glides_or_shakes_for_those_who_asked_for_less_motion(open_page):
    page = open_page(reduced_motion="reduce")
    Figure(page, "heads").press("Shake token b")
    moves = """[...document.querySelectorAll(".moving, .moving *")].filter((element) => {
      const style = getComputedStyle(element);
      return parseFloat(style.transitionDuration) > 0 || style.animationName !== "none";
    }).map((element) => element.outerHTML.slice(0, 120))"""
    assert not page.evaluate(moves)
    page = open_page(reduced_motion="no-preference")
    Figure(page, "heads").press("Shake token b")
    assert page.evaluate(moves)


# ---- the site

PLACE = re.compile(r'<div data-moving="([\w-]+)" hidden></div>')
PAGES = {file.relative_to(SITE).as_posix(): PLACE.findall(file.read_text(encoding="utf-8")) for file in sorted(SITE.glob("book/*.html"))}


def test_only_pages_with_a_place_load_the_scripts(site):
    for name, places in PAGES.items():
        text = (SITE / name).read_text(encoding="utf-8")
        assert re.findall(r"_static/moving/([\w-]+)\.js", text) == (["moving", *places] if places else [])


@pytest.mark.parametrize("name", [name for name, places in PAGES.items() if places])
@pytest.mark.parametrize("profile", [DESK, PHONE], ids=["on a desk", "on a phone"])
def test_a_page_s_figures_move(open_page, browser, name, profile):
    page = open_page(browser.home + name, **profile)
    for place in PAGES[name]:
        box = page.locator(f"#moving-{place}")
        assert box.is_visible() and box.locator(".readout").inner_text()
        figure = page.locator("figure.moves", has=box)
        assert figure.locator("img:visible").count() == 0 and figure.locator(".moving-caption").is_visible()
        assert place in BESIDE or figure.locator(".caption-number").is_visible()
