"""Every figure of the built site, on white paper and on dark: what it says can be read, also on a phone. Needs `make site` and a Chromium."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from .browsing import PHONE, SITE, browser, home, site  # noqa: F401

PAPER = {"light": "#ffffff", "dark": "#14181e"}  # as in site.css
SHOWN = {page.relative_to(SITE).as_posix(): re.findall(r'(?:href|src)="[^"]*_images/([\w.]+\.svg)"', page.read_text(encoding="utf-8")) for page in SITE.glob("book/*.html")}
FIGURES = sorted({figure for figures in SHOWN.values() for figure in figures}) or ["no site"]

# Each text of Matplotlib's with its colour and its place, and each line that is no faint guide nor a gap in the paper's colour; then the texts go.
LOOK = """([paper]) => {
  const shown = (colour, opacity) => [...colour.match(/[\\d.]+/g).slice(0, 3).map(Number), Number(opacity)];
  const texts = [...document.querySelectorAll("g[id^=text_]")].flatMap((text) => {
    const inner = text.querySelector("use, path");
    const {fill, fillOpacity, opacity} = getComputedStyle(inner ?? text), {x, y, width, height} = text.getBoundingClientRect();
    return inner ? [{id: text.id, colour: shown(fill, fillOpacity * opacity), box: [x, y, x + width, y + height]}] : [];
  });
  const lines = [...document.querySelectorAll("path, use")].filter((line) => !line.closest("g[id^=text_], defs")).flatMap((line) => {
    const {stroke, strokeOpacity, opacity} = getComputedStyle(line);
    return stroke === "none" || strokeOpacity * opacity < 0.5 ? [] : [shown(stroke, strokeOpacity * opacity).join()];
  });
  document.querySelectorAll("g[id^=text_]").forEach((text) => (text.style.visibility = "hidden"));
  return [texts, [...new Set(lines)].map((line) => line.split(",").map(Number))];
}"""


def luminance(colour):
    """Of sRGB colours, 0 to 255 along the last axis, as WCAG defines it."""
    share = np.asarray(colour) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def contrast(colour, ground):
    """Of a colour with its opacity, on each of some opaque ones."""
    *ink, opacity = colour
    ground = np.asarray(ground)
    one, other = luminance(opacity * np.array(ink) + (1 - opacity) * ground), luminance(ground)
    return (np.maximum(one, other) + 0.05) / (np.minimum(one, other) + 0.05)


@pytest.fixture(scope="module")
def sheet(browser):
    """A page for one figure after another."""
    page = browser.new_page(viewport={"width": 700, "height": 700})
    yield page
    page.close()


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_s_texts_stand_out_from_what_is_behind_them_and_its_lines_from_the_paper(sheet, figure):
    scheme = "dark" if figure.endswith(".dark.svg") else "light"
    sheet.set_content(f'<body style="margin: 0; background: {PAPER[scheme]}">{(SITE / "_images" / figure).read_text(encoding="utf-8")}')
    texts, lines = sheet.evaluate(LOOK, [PAPER[scheme]])
    pixels = np.asarray(Image.open(io.BytesIO(sheet.screenshot(full_page=True))).convert("RGB"))
    paper = [int(PAPER[scheme][at : at + 2], 16) for at in (1, 3, 5)]
    pale = []
    for text in texts:
        left, top, right, bottom = (max(round(edge), 0) for edge in text["box"])
        ground = pixels[top : bottom + 1, left : right + 1].reshape(-1, 3)
        worst = np.quantile(contrast(text["colour"], ground), 0.25)  # where a line runs through the text, it is another text's ground
        if worst < 4.5:
            pale.append((text["id"], text["colour"], round(float(worst), 2)))
    pale += [("line", line, round(float(contrast(line, paper)), 2)) for line in lines if line[:3] != paper and contrast(line, paper) < 3]
    assert not pale


@pytest.mark.parametrize("name", [name for name, figures in SHOWN.items() if figures])
def test_the_letters_of_a_figure_are_large_enough_on_a_phone(browser, name):
    context = browser.new_context(base_url=browser.home, **PHONE)
    page = context.new_page()
    page.goto(name)
    sizes = page.evaluate("[...document.querySelectorAll('img.light')].map(image => [image.src, image.getBoundingClientRect().width, +image.getAttribute('width'), !!image.closest('.moves')])")
    context.close()
    for source, shown, drawn, replaced in sizes:  # by a figure that moves
        scales = re.findall(r"scale\((0\.\d+) -", (SITE / "_images" / source.rpartition("/")[2]).read_text(encoding="utf-8"))
        assert replaced or not scales or min(map(float, scales)) * 100 * 96 / 72 * shown / drawn > 10.5, source  # pixels
    assert len(sizes) == len(SHOWN[name]) / 2


@pytest.mark.parametrize("scheme, chosen, shown", [("light", None, "light"), ("dark", None, "dark"), ("light", "dark", "dark"), ("dark", "light", "light")])
def test_of_the_two_only_the_one_for_the_paper_is_shown_and_loaded(browser, scheme, chosen, shown):
    context = browser.new_context(base_url=browser.home, color_scheme=scheme)
    page = context.new_page()
    if chosen:
        page.add_init_script(f"localStorage.setItem('theme', '{chosen}')")
    page.goto("book/04_source.html")
    page.locator(f"img.{shown}").first.scroll_into_view_if_needed()
    page.wait_for_function(f"document.querySelector('img.{shown}').complete")
    seen = page.evaluate("[...document.querySelectorAll('.picture img')].filter(image => image.checkVisibility()).map(image => image.className)")
    assert set(seen) == {shown}
    page.wait_for_load_state("networkidle")
    loaded = page.evaluate("performance.getEntriesByType('resource').map(each => each.name).filter(name => name.endsWith('.svg') && name.includes('_images'))")
    assert loaded and all(name.endswith(".dark.svg") == (shown == "dark") for name in loaded)
    page.emulate_media(media="print")
    assert page.locator("img.light").first.is_visible() and not page.locator("img.dark").first.is_visible()
    context.close()


def test_without_scripts_and_as_a_file_the_system_s_colours_choose(browser, site):
    page = browser.new_page(color_scheme="dark", java_script_enabled=False)
    page.goto((site / "book/01_formula.html").as_uri())
    assert page.locator("img.dark").first.is_visible() and not page.locator("img.light").first.is_visible()
    page.close()


@pytest.mark.parametrize("scheme", PAPER)
def test_a_plot_as_a_learner_draws_it_takes_the_page_s_paper_and_can_be_read(browser, scheme):
    page = browser.new_page(base_url=browser.home, color_scheme=scheme)
    page.goto("solutions/06_mlp.html")
    plot = page.locator(".picture img:not(.light, .dark)").first
    plot.scroll_into_view_if_needed()
    plot.evaluate("(plot) => plot.decode()")
    pixels = np.asarray(Image.open(io.BytesIO(plot.screenshot())).convert("RGB"))
    page.close()
    assert np.abs(pixels[:3, :3].astype(int).mean((0, 1)) - [int(PAPER[scheme][at : at + 2], 16) for at in (1, 3, 5)]).max() < 16
    assert np.quantile(contrast([*pixels[0, 0], 1], pixels.reshape(-1, 3)), 0.995) > 7
