"""The built site: each page by itself, and what a reader does with it. Needs `make site` and a Chromium."""

import functools
import http.server
import os
import shutil
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build/html"
PAGES = sorted(page.relative_to(SITE).as_posix() for page in SITE.rglob("*.html")) or ["index.html"]
NOTEBOOKS = sorted(book.relative_to(SITE).as_posix() for book in SITE.rglob("*.ipynb")) or ["book/01_formula.ipynb"]
CHAPTER, EXERCISE = "book/01_formula", "exercises/01_formula"
AXE = ROOT / "node_modules/axe-core/axe.min.js"
DESK, PHONE = {"width": 1300, "height": 900}, {"width": 360, "height": 740}

every_page = pytest.mark.parametrize("name", PAGES)
every_page_that_stays = pytest.mark.parametrize("name", [page for page in PAGES if page != "index.html"])  # a redirect


# ---- what stands in the files


class Reader(HTMLParser):
    """What a page says of itself: title, description, headings, links, ids, pictures without words, loose text."""

    def __init__(self, text):
        super().__init__()
        self.title = self.description = self.text = ""
        self.headings, self.links, self.ids, self.wordless, self.scripts = [], [], set(), [], []
        self.open = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.open.append(tag)
        self.ids |= {attributes[key] for key in ("id", "name") if attributes.get(key)}
        self.links += [attributes[key] for key in ("href", "src") if key in attributes]
        if tag == "h1":
            self.headings.append(tag)
        if tag == "img" and not attributes.get("alt"):
            self.wordless.append(attributes["src"])
        if tag == "meta" and attributes.get("name") == "description":
            self.description = attributes["content"]
        if tag in ("meta", "link", "img", "input", "br", "hr", "path", "circle", "rect", "line"):
            self.open.pop()

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag):
        while tag in self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if self.open[-1:] == ["title"] and "svg" not in self.open:
            self.title += data
        elif not {"script", "style", "annotation", "pre", "code"} & set(self.open):
            self.text += data


@functools.cache
def read(path):
    return Reader(path.read_text(encoding="utf8"))


@every_page
def test_a_page_has_one_heading_a_title_a_description_and_words_for_its_pictures(site, name):
    page = read(SITE / name)
    assert len(page.headings) == 1
    assert page.title.strip() and page.description.strip()
    assert not page.wordless


@every_page
def test_formulas_are_drawn_at_build_time(site, name):
    html = (SITE / name).read_text(encoding="utf8")
    assert html.count('class="math') <= html.count('class="katex"')
    assert "mathjax" not in html.lower().replace("mathjax_ignore", "")
    assert not [mark for mark in ("$$", r"\(", r"\[", r"\begin", r"\frac") if mark in read(SITE / name).text]


@every_page
def test_every_link_leads_somewhere(site, name):
    broken = []
    for link in read(SITE / name).links:
        url = urlsplit(link)
        if url.scheme or url.netloc:
            continue
        target = (SITE / name).parent.joinpath(unquote(url.path)).resolve() if url.path else SITE / name
        fragment = unquote(url.fragment)
        if not target.is_file() or (fragment and fragment not in read(target).ids):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_to_download_is_clean_and_valid(site, name):
    notebook = nbformat.read(SITE / name, as_version=4)
    nbformat.validate(notebook)
    assert [cell for cell in notebook.cells if cell.cell_type == "code"]
    if name.startswith("book/"):
        assert not any(cell.get("outputs") for cell in notebook.cells)
        prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        assert not [mark for mark in (":::", "```{", "{doc}", "{ref}", "{eq}", ")=\n") if mark in prose]


# ---- what a browser makes of them


@pytest.mark.parametrize("scheme, size", [("light", DESK), ("dark", PHONE)], ids=["light, on a desk", "dark, on a phone"])
@every_page_that_stays
def test_a_page_asks_only_its_own_host_logs_nothing_fits_and_is_accessible(page, name, scheme, size):
    requests, troubles = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("response", lambda response: response.ok or troubles.append(f"{response.status} {response.url}"))
    page.on("requestfailed", lambda request: troubles.append(f"failed {request.url}"))
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    page.goto(name)
    strangers = [url for url in requests if not url.startswith((page.home, "data:", "blob:"))]
    assert not strangers and not troubles
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run({exclude: ['.katex-html']}, {resultTypes: ['violations']})")["violations"]
    serious = {
        fault["id"]: [node["html"][:200] for node in fault["nodes"][:3]]
        for fault in found
        if fault["impact"] in ("serious", "critical")
    }
    assert not serious


# ---- what a reader does


def test_the_site_opens_at_its_first_page(page):
    page.goto("index.html")
    page.wait_for_url("**/book/welcome.html")
    assert page.locator("h1").inner_text().startswith("Linear, Inside Out")


@pytest.mark.parametrize("name", [CHAPTER, EXERCISE])
def test_a_reader_downloads_the_notebook(page, name):
    page.goto(name + ".html")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download notebook").click()
    assert download.value.suggested_filename == Path(name).name + ".ipynb"
    nbformat.validate(nbformat.read(download.value.path(), as_version=4))


def test_the_search_finds_a_word(page):
    page.goto(CHAPTER + ".html")
    page.get_by_role("searchbox").fill("fan_in")
    page.get_by_role("searchbox").press("Enter")
    page.locator("#search-results li a", has_text="initialisation").first.wait_for()


def test_a_chosen_colour_scheme_stays(page):
    page.emulate_media(color_scheme="light")
    page.goto(CHAPTER + ".html")
    dark = "document.documentElement.dataset.theme == 'dark' && getComputedStyle(document.body).backgroundColor"
    for _ in range(2):
        page.get_by_role("button", name="Colours").click()
    chosen = page.evaluate(dark)
    page.goto(EXERCISE + ".html")
    assert chosen and page.evaluate(dark) == chosen


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
    page = browser.new_page(java_script_enabled=False, viewport=PHONE)
    page.goto(browser.home + CHAPTER + ".html")
    contents = page.get_by_role("navigation", name="Contents")
    assert not contents.is_visible()
    page.get_by_role("button", name="Contents").click()
    contents.get_by_role("link", name="Notation").click()
    page.wait_for_url("**/notation.html")
    page.close()


def test_the_class_report_stands_in_the_page_for_teachers_and_opens_by_itself(page):
    page.goto("book/teachers.html")
    assert page.frame_locator("iframe.page").locator("h1").inner_text() == "Class report"
    page.get_by_role("link", name="The class report as a page of its own").click()
    page.wait_for_url("**/book/class/class.html")


def test_a_charts_letters_are_large_enough_for_a_phone_and_do_not_meet(page):
    page.set_viewport_size(PHONE)
    page.goto("book/class/class.html")
    chart = page.locator("svg", has=page.locator(".axis")).first
    letters = chart.evaluate(
        """chart => [...chart.querySelectorAll("tspan")].map(each => {
          const box = each.parentNode.getBoundingClientRect();
          return [parseFloat(getComputedStyle(each).fontSize) * chart.getBoundingClientRect().width / chart.viewBox.baseVal.width, box.left, box.right];
        })"""
    )
    assert min(size for size, *_ in letters) >= 10  # pixels
    boxes = sorted({(left, right) for _, left, right in letters})
    assert len(boxes) > 10 and all(right < left for (_, right), (left, _) in zip(boxes, boxes[1:]))


# ---- the site and the browser (its fixtures end with this module: Playwright holds an event loop while it lives)


def need(thing, reason):
    """A missing thing is one line for a user and a failure for the project's own tests."""
    if not thing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


@pytest.fixture(scope="module")
def site():
    need((SITE / "index.html").is_file(), "there is no site: run `make site` first")
    return SITE


@pytest.fixture(scope="module")
def home(site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *args):
            """A browser that closes a connection early is nobody's trouble."""

    server = Server(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def browser(home):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        names = ("chromium", "chromium-browser", "google-chrome", "chrome")
        candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, names), playwright.chromium.executable_path]
        path = next((path for path in candidates if path and os.path.exists(path)), None)
        need(path, "there is no Chromium: set CHROMIUM to one, or run `.venv/bin/playwright install chromium`")
        need(AXE.is_file(), "axe-core is missing: run `make node_modules/ready`")
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        browser.home = home
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """A fresh tab in a fresh profile; `goto` takes a path inside the site."""
    context = browser.new_context(base_url=browser.home)
    page = context.new_page()
    page.home = browser.home
    yield page
    context.close()
