"""The figures that move, as a reader uses them: by mouse, finger and keys, on a screen, on paper, without scripts. On a page of the test's own, and
on the site's pages that have one. Needs `make site` and a Chromium."""

import re

import pytest

from .browsing import AXE, DESK, PHONE, SITE, browser, home, site  # noqa: F401
from .moving import NAMES, Figure, open_page, screens, trial  # noqa: F401

BESIDE = {"routes", "roofline", "bits", "levels", "cuts"}  # stand beside the still figure, which shows something else

every_figure = pytest.mark.parametrize("name", NAMES)
profiles = pytest.mark.parametrize("profile, scheme", [(DESK, "light"), (DESK, "dark"), (PHONE, "light"), (PHONE, "dark")], ids=["desk-light", "desk-dark", "phone-light", "phone-dark"])


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
    "bits": ("gridcell", "fraction bit 3", "word"),
    "roofline": ("slider", "rows B", "B"),
    "levels": ("slider", "the large weight", "back"),
    "cuts": ("gridcell", "y[1, 2]", "picked"),
}
DRAGGED = {"one-sum", "columns", "levels"}


@every_figure
@pytest.mark.parametrize("means", ["mouse", "finger", "keys"])
def test_it_is_moved_by(open_page, name, means):
    role, label, value = HOLDS[name]
    figure = Figure(open_page(**(PHONE if means == "finger" else DESK)), name)
    before, said, hold = figure.values(), figure.says(), figure.role(role, label)
    if name in ("depth", "step", "roofline") and means != "keys":  # a slider is pressed where it should go
        size = hold.bounding_box()
        place = {"x": size["width"] * 0.4, "y": size["height"] / 2}
        hold.click(position=place) if means == "mouse" else hold.tap(position=place)
    elif means == "mouse":
        figure.drag(hold, 40) if name in DRAGGED else hold.click()
    elif means == "finger":
        figure.finger(hold, 40) if name in DRAGGED else hold.tap()
    else:
        figure.keys(hold, {"one-sum": "+", "routes": "ArrowLeft", "heads": "Enter", "bits": "Enter"}.get(name, "ArrowRight"))
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


def test_bits_are_one_stop_for_the_tab_key_and_both_keys_flip_them(open_page):
    figure = Figure(page := open_page(), "bits")
    figure.keys(figure.role("gridcell", "sign"), "ArrowDown", "ArrowRight", " ")
    assert figure.word == 0x3F80 + 2**6
    figure.keys(figure.role("gridcell", "fraction bit 6"), "Enter")
    assert figure.word == 0x3F80
    assert figure.box.get_by_role("grid", name="bits").locator("[tabindex='0']").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('[role=grid]')") is None


def test_what_is_no_number_is_marked_and_changes_nothing(open_page):
    figure = Figure(open_page(), "bits")
    field, before = figure.role("textbox", "x ="), figure.values()
    for text in ("", "2^", "1 +", "1..2", "two"):
        field.fill(text)
        assert field.get_attribute("aria-invalid") == "true" and figure.values() == before
    field.fill("3")
    assert field.get_attribute("aria-invalid") == "false" and figure.value == "3"


def test_the_point_is_dragged_along_the_roof(open_page):
    figure = Figure(open_page(**DESK), "roofline")
    figure.drag(figure.box.locator(".sheet"), 60)
    assert figure.B > 100 and figure.bound == "compute"


def test_the_step_is_dragged_in_the_picture_too(open_page):
    figure = Figure(open_page(**DESK), "step")
    figure.drag(figure.box.locator(".sheet"), 30)
    assert 1e-8 < figure.h < 1e-3


# ---- everybody's


@profiles
def test_it_fits_is_large_enough_legible_and_accessible(open_page, profile, scheme):
    page = open_page(color_scheme=scheme, **profile)
    figures = {name: Figure(page, name) for name in NAMES}
    figures["one-sum"].choose("(I, O)")
    figures["one-sum"].choose("3: W is square")
    for name in ("f(u + v)", "ReLU"):
        figures["columns"].press(name)
    figures["bits"].choose("float32")
    figures["bits"].press("1 + 2")
    figures["roofline"].press("2 × B")
    figures["heads"].choose("merge by reshape")
    figures["heads"].press("Shake token d")
    figures["levels"].choose("each four")
    figures["cuts"].choose("inputs")
    figures["cuts"].choose("4")
    figures["cuts"].press("Each device adds b")
    figures["routes"].box.locator("select").select_option("forgets")
    page.wait_for_timeout(500)  # colours glide
    assert page.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [profile["viewport"]["width"]] * 2
    assert not page.evaluate(SMALL)
    assert not page.evaluate(FAINT)
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('.moving', {preload: false, resultTypes: ['violations']})")["violations"]
    assert not {fault["id"]: [node["html"][:200] for node in fault["nodes"][:3]] for fault in found}


# What can be pressed and is narrower or lower than 24 pixels.
SMALL = """[...document.querySelectorAll(".moving :is(button, select, [role=gridcell], [role=button], [role=slider], input[type=range], input[type=text], .options label)")]
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
