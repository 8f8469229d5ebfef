"""A page with every figure that moves, opened as a file, and how one takes hold of them, for the tests that use them and those that reckon."""

import json

import pytest
import torch

from .browsing import ROOT, Screen

FOLDER = ROOT / "book/_static/moving"
NAMES = sorted(file.stem for file in FOLDER.glob("*.js") if file.stem != "moving")
STILL = """<section><figure id="still-{name}"><img alt="The still one" width="400" height="200" src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>">
<figcaption><p><span class="caption-number">Fig. 1 </span><span class="caption-text">Still.</span></p></figcaption></figure>
<div data-moving="{name}" hidden></div></section>"""


def near(ours, torchs):
    torch.testing.assert_close(torch.as_tensor(ours, dtype=torch.float64), torch.as_tensor(torchs, dtype=torch.float64), rtol=1e-5, atol=1e-5)


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


@pytest.fixture(scope="module")
def screens(browser):
    """A page of the browser for each kind of screen, by its settings."""
    known = {}
    yield known
    for screen in known.values():
        screen.close()


@pytest.fixture
def open_page(browser, trial, screens):
    used = []

    def opened(address=trial, **settings):
        kind = repr(settings)
        if kind not in screens:
            screens[kind] = Screen(browser, **settings)
        used.append(screens[kind])
        return used[-1].go(address)

    yield opened
    assert not [trouble for screen in used for trouble in (*screen.troubles, *screen.strangers("file:"))]


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

    def role(self, role, name, exact=False):
        return self.box.get_by_role(role, name=name, exact=exact).first

    def press(self, name):
        self.role("button", name).click()

    def choose(self, name, exact=False):
        self.role("radio", name, exact).check()

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
