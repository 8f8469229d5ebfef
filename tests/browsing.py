"""The built site and a Chromium, for the tests that read pages and those that use them. Needs `make site`."""

import functools
import http.server
import os
import threading
from html.parser import HTMLParser
from pathlib import Path

import pytest

from book.printing import chromium, launch

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build/html"
AXE = ROOT / "node_modules/axe-core/axe.min.js"
DESK = {"viewport": {"width": 1300, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}


class Reader(HTMLParser):
    """What a page says of itself: title, meta (by name or property), headings, links (all, and by rel), ids, pictures without words, loose text."""

    def __init__(self, text):
        super().__init__()
        self.title = self.text = ""
        self.headings, self.links, self.ids, self.wordless = [], [], set(), []
        self.meta, self.rel = {}, {}
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
        if tag == "meta" and "content" in attributes:
            self.meta.setdefault(attributes.get("name") or attributes.get("property"), []).append(attributes["content"])
        if "rel" in attributes and "href" in attributes:
            self.rel.setdefault(attributes["rel"], attributes["href"])
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
        path = chromium(playwright)
        need(path, "there is no Chromium: set CHROMIUM to one, or run `.venv/bin/playwright install chromium`")
        need(AXE.is_file(), "axe-core is missing: run `make node_modules/ready`")
        browser = launch(playwright, path)
        browser.home = home
        yield browser
        browser.close()


class Screen:
    """A page that goes from test to test, which a new profile for each would take longer than; what it asked for and complained about since the last `go`."""

    def __init__(self, browser, **settings):
        self.home, self.settings = browser.home, settings
        self.page = browser.new_context(base_url=browser.home, **settings).new_page()
        self.requests, self.troubles = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("response", lambda response: response.ok or self.troubles.append(f"{response.status} {response.url}"))
        self.page.on("requestfailed", lambda request: self.troubles.append(f"failed {request.url}"))
        self.page.on("console", lambda message: self.troubles.append(message.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))

    def go(self, address):
        self.page.goto("about:blank")  # what the last test had not finished is over
        self.page.emulate_media(media="null")
        self.page.mouse.move(0, 0)
        self.requests.clear()
        self.troubles.clear()
        self.page.goto(address)
        return self.page

    def strangers(self, *ours):
        """Requests to other hosts than the site's, and to other kinds of address than ours."""
        return [url for url in self.requests if not url.startswith((self.home, "data:", *ours))]

    def close(self):
        self.page.context.close()


@pytest.fixture
def page(browser):
    """A fresh tab in a fresh profile; `goto` takes a path inside the site."""
    context = browser.new_context(base_url=browser.home)
    page = context.new_page()
    page.home = browser.home
    yield page
    context.close()
