"""The book as a PDF. Needs `make site` and a Chromium."""

import re

import pytest

from book.printing import print_book
from grader.catalogue import EXERCISES

from .browsing import SITE, browser, home, read, site  # noqa: F401


@pytest.fixture(scope="module")
def book(browser, tmp_path_factory):
    target = tmp_path_factory.mktemp("book") / "book.pdf"
    print_book(browser, target)
    return target.read_bytes()


def test_the_book_has_fewer_than_15_pages_for_a_chapter_and_its_exercise_and_an_outline(book):
    assert 50 < len(re.findall(rb"/Type\s*/Page\b", book)) < 15 * len(EXERCISES)
    assert b"/Outlines" in book


def test_its_links_lead_into_the_book_or_to_the_world(book):
    addresses = {address.decode() for address in re.findall(rb"/URI \(([^)]*)\)", book)}
    abroad = {link for page in SITE.rglob("*.html") for link in read(page).links if link.startswith("http")}
    assert len(addresses) > 20 and {address.partition("#")[0] for address in addresses} <= {link.partition("#")[0] for link in abroad}
    assert book.count(b"/Dest") > 100


def test_on_paper_nothing_folds_and_no_answer_is_announced(page_on_paper):
    hidden = "[...document.querySelectorAll('details.hide > summary, .sd-octicon')].filter(each => each.checkVisibility())"
    assert not page_on_paper.evaluate(hidden)
    answers = page_on_paper.locator(".sd-summary-content")
    assert answers.count() and all(answer.is_visible() for answer in answers.all())


@pytest.fixture
def page_on_paper(browser):
    page = browser.new_page()
    page.goto(browser.home + "book/01_formula.html")
    page.emulate_media(media="print")
    yield page
    page.close()
