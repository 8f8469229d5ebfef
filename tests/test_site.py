"""The built site, each page by itself: what stands in the file, and what a browser makes of it. Needs `make site` and a Chromium."""

import ast
import builtins
import gzip
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

from .browsing import AXE, DESK, PHONE, ROOT, SITE, Screen, browser, home, read, site  # noqa: F401

# The site's own; what `report` wrote for the page for teachers is tested where the command is.
PAGES = sorted(page.relative_to(SITE).as_posix() for page in SITE.rglob("*.html") if page.parent.name != "class") or ["index.html"]
NOTEBOOKS = sorted(book.relative_to(SITE).as_posix() for book in SITE.rglob("*.ipynb")) or ["book/01_formula.ipynb"]

every_page = pytest.mark.parametrize("name", PAGES)


# ---- what stands in the files


@every_page
def test_a_page_has_one_heading_a_title_a_description_and_words_for_its_pictures(site, name):
    page = read(SITE / name)
    assert len(page.headings) == 1
    assert page.title.strip() and not page.wordless
    (description,) = page.meta["description"]
    assert 20 < len(description) <= 160 and "\\" not in description
    assert page.meta["og:description"] == [description] and page.meta["og:title"][0] in page.title
    assert page.meta["viewport"] == ["width=device-width, initial-scale=1"]


@every_page
def test_a_page_says_whose_it_is_and_what_it_ran_on_and_no_address_that_there_is_not(site, name):
    page = read(SITE / name)
    assert "The authors of Linear, Inside Out" in page.text and page.rel["license"].startswith("https://creativecommons.org/licenses/by/4.0")
    assert re.search(r"Built on \d\d \w+ \d{4}, with torch \d+\.\d+\.\d+\.", " ".join(page.text.split()))
    assert "canonical" not in page.rel and "Report a mistake" not in page.text and not any("colab.research" in link for link in page.links)


def test_no_two_pages_have_the_same_description(site):
    counted = Counter(read(SITE / name).meta["description"][0] for name in PAGES)
    assert not [text for text, times in counted.items() if times > 1]


@every_page
def test_formulas_are_drawn_at_build_time(site, name):
    html = (SITE / name).read_text(encoding="utf8")
    assert html.count('class="math') <= html.count('class="katex"')
    assert "mathjax" not in html.lower().replace("mathjax_ignore", "")
    assert not [mark for mark in ("$$", r"\(", r"\[", r"\begin", r"\frac") if mark in read(SITE / name).text]


@every_page
def test_a_page_is_light_and_nothing_moves_when_its_pictures_come(site, name):
    """What a browser must have before it shows the page, as a host sends it; where formulas are, their stylesheet and fonts come with it."""
    html = (SITE / name).read_text(encoding="utf8")
    needed = [(SITE / name).parent.joinpath(link).resolve() for link in read(SITE / name).links if link.endswith((".css", "/site.js"))]
    assert [file.name for file in needed if file.suffix == ".css"] == ["katex.min.css"] * ('class="katex"' in html) + ["site.css"] + ["moving.css"] * ('data-moving="' in html)
    assert sum(len(gzip.compress(file.read_bytes())) for file in [SITE / name, *needed]) < 80_000
    assert all(re.search(r'width="\d+" height="\d+".* loading="lazy"', image) for image in re.findall("<img [^>]*>", html))


def test_of_katex_there_is_what_pages_use(site):
    css = (SITE / "_static/katex/katex.min.css").read_text(encoding="utf8")
    assert len(css) < 8_000 and ".katex .mfrac" in css and ".katex .boxpad" not in css
    assert {font.name for font in (SITE / "_static/katex/fonts").iterdir()} == set(re.findall(r"fonts/([\w-]+\.woff2)", css))


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
        assert not [mark for mark in (":::", "```{", "{doc}", "{ref}", "{eq}", "{task}", ")=\n") if mark in prose]


CHAPTERS = [name for name in NOTEBOOKS if re.match(r"book/\d\d_", name)]


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_s_code_fits_its_box_and_all_its_names_are_shown(site, name):
    """79 columns; and who copies what the page shows, in order, misses no import and no helper. Only figures use a style of their own, `figures`."""
    cells = [cell for cell in nbformat.read(SITE / name, as_version=4).cells if cell.cell_type == "code"]
    shown = [cell for cell in cells if not {"remove-cell", "remove-input"} & set(cell.metadata.get("tags", [])) and not cell.source.startswith("%%")]
    opened = [cell for cell in shown if "hide-input" not in cell.metadata.get("tags", [])]
    assert not [line for cell in opened for line in cell.source.split("\n") if len(line) > 79]
    known, used = {*dir(builtins), "figures"}, set()
    for cell in shown:
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Name):
                (used if isinstance(node.ctx, ast.Load) else known).add(node.id)
            elif isinstance(node, ast.alias):
                known.add((node.asname or node.name).partition(".")[0])
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.ExceptHandler)):
                known.add(node.name)
            elif isinstance(node, ast.arg):
                known.add(node.arg)
    assert not used - known


@pytest.mark.parametrize("name", sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "README.md", ROOT / "index.md", *ROOT.glob("book/*.md"))))
def test_commands_and_code_that_a_page_shows_and_does_not_run_fit_their_box(name):
    inside, wide = "", []
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line.lstrip().startswith("```"):
            inside = "" if inside else line.strip()
        elif inside and "{" not in inside and len(line.strip()) > 79:
            wide.append(line)
    assert not wide


def test_a_progress_bar_is_drawn_once(site):
    bars = re.findall(r"epoch \d+/(?:<[^>]*>)*30", (SITE / "solutions/06_mlp.html").read_text(encoding="utf8"))
    assert len(bars) == 1


def test_a_site_that_is_built_again_with_nothing_changed_stays_as_it_is(site, tmp_path):
    """As `make test` does after `make`."""
    shutil.copytree(ROOT / "_build", tmp_path / "_build")
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    done = subprocess.run([jupyter_book, "build", ".", "--path-output", tmp_path, "--warningiserror", "--keep-going"], cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no targets are out of date" in done.stdout
    assert all(file.read_bytes() == (SITE / file.relative_to(tmp_path / "_build/html")).read_bytes() for file in tmp_path.glob("_build/html/**/*.html"))
    assert (tmp_path / "_build/html/_static/sections.js").read_bytes() == (SITE / "_static/sections.js").read_bytes()


def test_a_site_with_addresses_says_them(site, tmp_path):
    """Three pages of it, built anew with both addresses set; nothing is executed again."""
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    assert config.count('\n  url: ""') == 1 and config.count('baseurl: ""') == 1
    config = config.replace(": book/_ext", f": {ROOT}/book/_ext").replace('baseurl: ""', 'baseurl: "https://course.example/linear/"')
    config = config.replace('\n  url: ""', '\n  url: "https://github.com/someone/course"')
    (tmp_path / "_config.yml").write_text(config, encoding="utf-8")
    shutil.copytree(ROOT / "_build/.doctrees", tmp_path / "doctrees")  # what Sphinx knows of this site is not known of that
    build = f"""
from pathlib import Path
from jupyter_book.sphinx import build_sphinx
root, here = Path({str(ROOT)!r}), Path({str(tmp_path)!r})
build_sphinx(
    root, here / "html", path_config=here / "_config.yml", noconfig=True, doctreedir=here / "doctrees", quiet=True,
    confoverrides={{"latex_individualpages": False, "external_toc_path": str(root / "_toc.yml")}},
    filenames=["index.md", "book/01_formula.md", "exercises/01_formula.ipynb"],
)"""
    subprocess.run([sys.executable, "-c", build], cwd=ROOT, check=True)

    first, chapter, exercise, lost = (read(tmp_path / "html" / f"{name}.html") for name in ("index", "book/01_formula", "exercises/01_formula", "404"))
    assert first.rel["canonical"] == "https://course.example/linear/"
    assert chapter.rel["canonical"] == chapter.meta["og:url"][0] == "https://course.example/linear/book/01_formula.html"
    card = chapter.meta["og:image"][0].removeprefix("https://course.example/linear/")
    assert (tmp_path / "html" / card).is_file()
    assert "https://github.com/someone/course/edit/main/book/01_formula.md" in chapter.links
    assert "https://github.com/someone/course/edit/main/solutions/01_formula.ipynb" in exercise.links  # what the exercise is made from
    assert any(link.startswith("https://github.com/someone/course/issues/new?") for link in chapter.links)
    assert "https://colab.research.google.com/github/someone/course/blob/main/exercises/01_formula.ipynb" in exercise.links
    assert "https://course.example/linear/" in lost.links  # a base: the page is shown at whatever address leads nowhere
    sitemap = (tmp_path / "html/sitemap.xml").read_text(encoding="utf-8")
    assert sitemap.count("<loc>https://course.example/linear/") == len(PAGES) - 2  # search and 404 are not for search engines
    assert "sitemap.xml" in (tmp_path / "html/robots.txt").read_text(encoding="utf-8")
    assert (tmp_path / "html/.nojekyll").exists()


# ---- what a browser makes of them

# What a box cuts off: its own `overflow: hidden` with more inside than it shows, while no box within it scrolls.
CUT = """[...document.querySelectorAll("article *")].filter((box) => getComputedStyle(box).overflowX === "hidden"
    && !box.closest(".katex, svg, [hidden]") && box.clientWidth > 1 && box.scrollWidth > box.clientWidth + 1)
    .map((box) => box.outerHTML.slice(0, 120))"""


# A formula whose marks stand on another line than its end; a short piece of code on two lines.
TORN = """[...document.querySelectorAll(".whole")].filter((whole) => {
    if (whole.tagName === "CODE") return whole.getClientRects().length > 1 && !whole.closest("td");
    const [marks, end] = [document.createRange(), [...whole.querySelectorAll(".base")].pop()];
    marks.selectNode(whole.lastChild);
    return marks.toString() && marks.getBoundingClientRect().top > end.getBoundingClientRect().bottom;
}).map((whole) => whole.textContent)"""


# For axe, which takes its time over each element: formulas leave, which screen readers do not see, and of a program's tokens that look alike on the same
# ground the first one stays.
FEWER = """() => {
    document.querySelectorAll(".katex-html").forEach((formula) => formula.remove());
    const ground = (box) => (/, 0\\)$/.test(getComputedStyle(box).backgroundColor) ? ground(box.parentElement) : getComputedStyle(box).backgroundColor);
    const tokens = [...document.querySelectorAll(".highlight span:not(:has(*), [id])")];
    const looks = tokens.map((token) => {
        const {color, fontSize, fontWeight, opacity} = getComputedStyle(token);
        return [token.className, ground(token), color, fontSize, fontWeight, opacity].join();
    });
    tokens.forEach((token, at) => looks.indexOf(looks[at]) < at && token.replaceWith(token.textContent));
}"""


@pytest.fixture(scope="module", params=[("light", DESK), ("dark", PHONE)], ids=["light, on a desk", "dark, on a phone"])
def screen(browser, request):
    scheme, profile = request.param
    screen = Screen(browser, color_scheme=scheme, **profile)
    yield screen
    screen.close()


def faults(page):
    """What axe finds."""
    page.evaluate(FEWER)
    page.add_script_tag(path=AXE)
    return page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]


@every_page
def test_a_page_asks_only_its_own_host_logs_nothing_fits_cuts_nothing_and_is_accessible(screen, name):
    page, width = screen.go(name), screen.settings["viewport"]["width"]
    assert not screen.strangers("blob:") and not screen.troubles
    assert page.evaluate("[innerWidth, document.documentElement.scrollWidth <= innerWidth]") == [width, True]
    assert not page.evaluate(CUT) and not page.evaluate(TORN)
    assert screen.settings.get("is_mobile") or not page.evaluate("[...document.querySelectorAll('pre')].some((box) => box.scrollWidth > box.clientWidth)")
    serious = {
        fault["id"]: [node["html"][:200] for node in fault["nodes"][:3]]
        for fault in faults(page)
        if fault["impact"] in ("serious", "critical")
    }
    assert not serious


@pytest.mark.parametrize("pale", [".highlight .k", ".highlight .n", ".cell_output pre", "article p em"])
def test_pale_words_are_found_also_in_a_program(screen, pale):
    page = screen.go("book/08_transformer.html")
    page.add_style_tag(content=f"{pale} {{ color: #999 !important; background: #888 !important }}")
    assert "color-contrast" in {fault["id"] for fault in faults(page)}
