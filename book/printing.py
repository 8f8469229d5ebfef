"""The book as one PDF, printed by a Chromium from the pages of the built site: `make pdf`. How a page looks on paper, site.css says.

Links lead from page to page inside the book; to the site's other pages they lead where the site has an address, else they are words.
"""

import os
import shutil
from pathlib import Path

SITE = Path(__file__).parent.parent / "_build/html"
BOOK = SITE.parent / "linear-inside-out.pdf"

# In a page of the site, its own text gives way to that of all pages, [[name, html], ...], each under its title. A place x of a page is the place name/x of the book.
BIND = """async (pages) => {
  const root = document.baseURI.slice(0, -"index.html".length);
  const site = document.querySelector("link[rel=canonical]")?.href;
  const names = new Set(pages.map(([name]) => root + name));
  const headers = document.head.appendChild(document.createElement("style"));
  const articles = pages.map(([name, html], number) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const article = page.querySelector("article");
    article.id = name;
    article.style.page = `part${number}`;
    headers.textContent += `@page part${number} { @top-left { content: ${JSON.stringify(page.title.split(" · ")[0])}; color: #5b6470; font: 8pt system-ui, sans-serif; } }`;
    article.querySelectorAll("[id]").forEach((marked) => marked.closest("svg") || (marked.id = `${name}/${marked.id}`));
    article.querySelectorAll("img").forEach((image) => { image.src = new URL(image.getAttribute("src"), root + name); image.loading = "eager"; });
    article.querySelectorAll("details").forEach((fold) => (fold.open = true));
    article.querySelectorAll("a[href]").forEach((link) => {
      const {href, hash} = new URL(link.getAttribute("href"), root + name);
      const page = href.slice(0, href.length - hash.length);
      if (!href.startsWith(root)) return;
      if (names.has(page)) link.setAttribute("href", "#" + page.slice(root.length) + hash.replace("#", "/"));
      else if (site) link.href = site + href.slice(root.length);
      else link.removeAttribute("href");
    });
    return article;
  });
  document.querySelector("article").replaceWith(...articles);
  await Promise.all([...document.images].filter((image) => image.src).map((image) => image.decode()));
  await document.fonts.ready;
}"""


def chromium(playwright):
    """The path of a Chromium on this machine, or nothing. CHROMIUM names another."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, names), playwright.chromium.executable_path]
    return next((path for path in candidates if path and os.path.exists(path)), None)


def launch(playwright, path):
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])


def print_book(browser, target: Path):
    pages = [SITE / "index.html", *sorted(SITE.glob("book/[0-9]*.html")), SITE / "book/notation.html"]
    page = browser.new_page(color_scheme="light")
    page.goto(pages[0].as_uri())
    page.evaluate(BIND, [[page.relative_to(SITE).as_posix(), page.read_text(encoding="utf-8")] for page in pages])
    page.pdf(path=target, prefer_css_page_size=True, outline=True, tagged=True)
    page.close()


def main():
    from playwright.sync_api import sync_playwright

    if not (SITE / "index.html").is_file():
        raise SystemExit("There is no site: run `make site` first.")
    with sync_playwright() as playwright:
        path = chromium(playwright)
        if not path:
            raise SystemExit("There is no Chromium: set CHROMIUM to one, or run `.venv/bin/playwright install chromium`.")
        print_book(launch(playwright, path), BOOK)
    print(f"The book is ready: open _build/{BOOK.name}")


if __name__ == "__main__":
    main()
