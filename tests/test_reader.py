"""What a reader does with the built site: finds the way, the place and the word. Needs `make site` and a Chromium."""

import re
from pathlib import Path
from urllib.parse import urljoin

import nbformat
import pytest

from grader.catalogue import EXERCISES, chapter_of

from .browsing import DESK, PHONE, SITE, browser, home, page, read, site  # noqa: F401

CHAPTER, EXERCISE = "book/01_formula", "exercises/01_formula"


# ---- the way


def test_next_leads_from_the_first_page_through_each_chapter_and_its_exercise(site):
    way, here = [], "index.html"
    while "next" in read(SITE / here).rel:
        before, here = here, urljoin(here, read(SITE / here).rel["next"])
        way.append(here)
        assert urljoin(here, read(SITE / here).rel["prev"]) == before
    course = [f"{folder}/{exercise.name}.html" for exercise in EXERCISES for folder in ("book", "exercises")]
    assert way[: len(course)] == course and way[-1] == "book/notation.html"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_a_section_leads_to_its_tasks_and_a_task_to_its_section_and_its_solution(site, exercise):
    name = exercise.name
    chapter = (SITE / f"book/{name}.html").read_text(encoding="utf8")
    pages = {folder: read(SITE / f"{folder}/{name}.html").links for folder in ("exercises", "solutions")}
    assert f"../solutions/{name}.html" in pages["exercises"] and f"../exercises/{name}.html" in pages["solutions"]
    for task in exercise.tasks:
        assert chapter_of(task.section) == name
        pointer = re.search(r"<p>Your turn: .*?</p>", chapter[chapter.index(f'id="{task.section}"') :], re.DOTALL)
        assert f'href="../exercises/{name}.html#{task.name}"' in pointer[0], task.name
        assert {f"../book/{name}.html#{task.section}", f"../solutions/{name}.html#{task.name}"} <= set(pages["exercises"])
        assert {f"../book/{name}.html#{task.section}", f"../exercises/{name}.html#{task.name}"} <= set(pages["solutions"])


@pytest.mark.parametrize("profile", [DESK, PHONE], ids=["on a desk", "on a phone"])
def test_the_first_screen_says_for_whom_how_long_and_where_to_start(browser, profile):
    context = browser.new_context(base_url=browser.home, **profile)
    page = context.new_page()
    page.goto("index.html")
    for part in (page.get_by_text("For whom."), page.get_by_text("How long."), page.get_by_role("link", name="Start")):
        box = part.bounding_box()
        assert box["y"] + box["height"] < profile["viewport"]["height"]
    page.get_by_role("link", name="Start").click()
    page.wait_for_url(f"**/{CHAPTER}.html")
    context.close()


@pytest.mark.parametrize("name", [CHAPTER, EXERCISE])
def test_a_reader_downloads_the_notebook(page, name):
    page.goto(name + ".html")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download notebook").click()
    assert download.value.suggested_filename == Path(name).name + ".ipynb"
    nbformat.validate(nbformat.read(download.value.path(), as_version=4))


FIRST = {  # what one asks: the section that comes first
    "√5": "book/02_init.html#where-5-comes-from-and-what-it-gives",
    "kaiming": "book/02_init.html#where-5-comes-from-and-what-it-gives",
    "kaming uniform": "book/02_init.html#where-5-comes-from-and-what-it-gives",
    "mat1 and mat2 shapes": "book/05_pitfalls.html#reading-torch-s-errors",
    "reading torch's errors": "book/05_pitfalls.html#reading-torch-s-errors",
    "why is weight stored out in": "book/01_formula.html#why-w-is-stored-out-in",
    "any number of leading dimension": "book/01_formula.html#any-number-of-leading-dimensions",
    "gradeint of the bias": "book/03_backward.html#the-bias",
    "numerical gradients": "book/03_backward.html#gradients-without-calculus",
    "autograd function": "book/03_backward.html#your-own-autograd-function",
    "fold bias into weight": "book/01_formula.html#folding-the-bias-into-the-weight",
    "rows are feature detectors": "book/01_formula.html#rows-of-w-are-feature-detectors",
    "1×1 convolutions": "book/07_cnn.html#a-linear-is-a-11-convolution",
    "flatten or pool": "book/07_cnn.html#flatten-or-pool",
    "GPT-2 Conv1D": "book/08_transformer.html#gpt-2-s-conv1d-is-a-linear-transposed",
    "split heads": "book/08_transformer.html#heads-one-linear-reshaped",
    "tied embeddings": "book/08_transformer.html#from-words-to-numbers-and-back-with-one-matrix",
    "lazy layer": "book/05_pitfalls.html#lazy-layers-and-first-weights-that-vanish",
    "autocast": "book/04_source.html#autocast-takes-its-own-turn",
    "he initialization": "book/02_init.html#through-depth-why-this-is-not-he-initialisation",
}


def test_the_search_finds_the_section_first(page):
    page.goto(CHAPTER + ".html")
    page.get_by_role("searchbox").fill("fan_in")
    page.get_by_role("searchbox").press("Enter")
    page.locator("#search-results li a", has_text="fan-in").first.wait_for()
    found = {}
    for query in FIRST:
        page.locator("main input").fill(query)
        found[query] = page.locator("#search-results a").first.get_attribute("href").removeprefix("./")
    assert found == FIRST


def test_the_search_puts_a_chapter_before_its_exercise_and_that_before_its_solution(page):
    page.goto("search.html?q=kaiming")
    links = [link.get_attribute("href") for link in page.locator("#search-results a").all()]
    places = [next(place for place, link in enumerate(links) if folder in link) for folder in ("book/02", "exercises/02", "solutions/02")]
    assert places == sorted(places)


def test_the_search_works_in_a_page_opened_as_a_file(site, browser):
    page = browser.new_page()
    page.goto((site / "search.html").as_uri() + "?q=kaiming")
    page.locator("#search-results a").first.click()
    page.wait_for_url("file://**/book/02_init.html*")
    page.close()


def test_a_chosen_colour_scheme_stays(page):
    page.emulate_media(color_scheme="light")
    page.goto(CHAPTER + ".html")
    dark = "document.documentElement.dataset.theme == 'dark' && getComputedStyle(document.body).backgroundColor"
    for _ in range(2):
        page.get_by_role("button", name="Colours").click()
    chosen = page.evaluate(dark)
    page.goto(EXERCISE + ".html")
    assert chosen and page.evaluate(dark) == chosen


# ---- the place


@pytest.mark.parametrize("name", ["solutions/09_capstone", "book/notation", CHAPTER])
def test_the_contents_show_the_page_one_is_on(page, name):
    page.set_viewport_size(DESK["viewport"])
    page.goto(name + ".html")
    current = page.get_by_role("navigation", name="Contents").locator("[aria-current=page]")
    assert current.count() == 1
    box = current.bounding_box()
    assert 0 <= box["y"] and box["y"] + box["height"] <= DESK["viewport"]["height"]
    assert page.evaluate("scrollY") == 0


def test_the_list_of_sections_follows_the_reader(page):
    page.set_viewport_size(DESK["viewport"])
    page.goto(CHAPTER + ".html")
    here = page.get_by_role("navigation", name="On this page").locator("[aria-current=location]")
    assert here.count() == 0
    page.get_by_role("heading", name="What it costs", exact=True).evaluate("heading => heading.scrollIntoView()")  # named without a mark behind
    here.get_by_text("What it costs").wait_for()
    assert here.count() == 1


def test_on_a_phone_the_page_s_sections_are_at_hand_wherever_one_is(browser):
    context = browser.new_context(base_url=browser.home, **PHONE)
    page = context.new_page()
    page.goto(CHAPTER + ".html")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    for name in ("Contents", "On this page"):
        assert 0 <= page.get_by_role("button", name=name).bounding_box()["y"] < 60
    page.get_by_role("button", name="On this page").click()
    page.get_by_role("navigation", name="On this page").get_by_role("link", name="What it costs").click()
    heading = page.get_by_role("heading", name="What it costs")
    page.wait_for_function("!document.querySelector(':popover-open')")
    page.wait_for_function("heading => { const y = heading.getBoundingClientRect().top; return y > 40 && y < 200 }", arg=heading.element_handle())
    context.close()


def test_keys_skip_what_stands_before_the_text(page):
    page.goto(CHAPTER + ".html")
    stops = []
    for _ in range(2):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.textContent"))
    assert stops == ["Skip to the text", "Skip to this page's sections"]
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#here') !== null")


# ---- a teacher


def test_the_class_report_stands_in_the_page_for_teachers_and_opens_by_itself(page):
    page.goto("book/teachers.html")
    assert page.frame_locator("iframe.page").locator("h1").inner_text() == "Class report"
    page.get_by_role("link", name="The class report as a page of its own").click()
    page.wait_for_url("**/book/class/class.html")


def test_a_charts_letters_are_large_enough_for_a_phone_and_do_not_meet(browser):
    page = browser.new_page(**PHONE)
    page.goto(browser.home + "book/class/class.html")
    chart = page.locator("svg", has=page.locator(".axis")).first
    letters = chart.evaluate(
        """chart => [...chart.querySelectorAll("tspan")].map(each => {
          const box = each.parentNode.getBoundingClientRect();
          return [parseFloat(getComputedStyle(each).fontSize) * chart.getBoundingClientRect().width / chart.viewBox.baseVal.width, box.left, box.right];
        })"""
    )
    page.close()
    assert min(size for size, *_ in letters) >= 10  # pixels
    boxes = sorted({(left, right) for _, left, right in letters})
    assert len(boxes) > 10 and all(right < left for (_, right), (left, _) in zip(boxes, boxes[1:]))


# ---- without scripts


@pytest.mark.parametrize("name", [CHAPTER, EXERCISE])
def test_a_page_reads_without_javascript(browser, name):
    page = browser.new_page(java_script_enabled=False)
    page.goto(browser.home + name + ".html")
    assert page.locator("h1").is_visible() and page.locator("article p").nth(1).is_visible()
    assert page.get_by_role("navigation", name="Contents").is_visible()
    assert page.get_by_role("link", name="Download notebook").is_visible()
    assert page.locator(".katex").count() == 0 or page.locator(".katex-html").first.is_visible()
    page.close()


def test_the_contents_open_on_a_phone_without_javascript(browser):
    page = browser.new_page(java_script_enabled=False, **PHONE)
    page.goto(browser.home + CHAPTER + ".html")
    contents = page.get_by_role("navigation", name="Contents")
    assert not contents.is_visible()
    page.get_by_role("button", name="Contents").click()
    contents.get_by_role("link", name="Notation").click()
    page.wait_for_url("**/notation.html")
    page.close()
