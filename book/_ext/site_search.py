"""What the search page searches: each section of the site and the words in it. It is a script, since a page opened as a file can load nothing else."""

import json
import re
from collections import Counter
from pathlib import Path
from textwrap import shorten

from docutils import nodes

WORD = re.compile(r"√?\w+(?:'\w+)?")  # book/_static/search.js cuts queries in the same way
SPOKEN = {r"^\top": "ᵀ", r"\sqrt": "√", r"\partial": "∂", r"\cdot": "·", r"\times": "×", r"\ldots": "…", r"\dots": "…", r"\cdots": "…"}


def no_search_of_sphinx(app):
    app.builder.search = False


def write_index(app, exception):
    """_static/sections.js: pages [address, title]; sections [page, anchor, heading, beginning]; words {word: [section, times, section, times, ...]}."""
    if exception:
        return
    pages, sections, words = [], [], {}
    for docname in app.env.collect_relations():  # in the order of the contents; the builder knows none where it writes no page
        doctree = app.env.get_doctree(docname)
        pages.append([app.builder.get_target_uri(docname), plain(app.env.titles[docname])])
        for section in doctree.findall(nodes.section):
            own = [child for child in section.children if not isinstance(child, nodes.section)]
            first = next((child for child in own[1:] if isinstance(child, nodes.paragraph) and "ways" not in child["classes"]), nodes.Text(""))
            anchor = "" if section.parent is doctree else section["ids"][0]
            for word, times in Counter(WORD.findall("\n".join(map(plain, own)).lower().replace("’", "'"))).items():
                words.setdefault(word, []).extend([len(sections), times])
            sections.append([len(pages) - 1, anchor, plain(own[0]), shorten(plain(first), 180, placeholder=" …")])
    index = json.dumps({"pages": pages, "sections": sections, "words": words}, ensure_ascii=False, separators=(",", ":"))
    Path(app.outdir, "_static/sections.js").write_text(f"const INDEX = {index};\n", encoding="utf-8")


def plain(node):
    """A node's text as one would type it."""
    if isinstance(node, (nodes.raw, nodes.comment, nodes.image)):
        return ""
    if isinstance(node, (nodes.math, nodes.math_block)):
        text = node.astext()
        for tex, spoken in SPOKEN.items():
            text = text.replace(tex, spoken)
        return re.sub(r"\\[a-zA-Z]+|[\\{}$]", "", text)
    if isinstance(node, nodes.Text):
        return str(node)
    between = "" if isinstance(node, nodes.TextElement) else "\n"
    return between.join(plain(child) for child in node.children)


def setup(app):
    app.connect("builder-inited", no_search_of_sphinx)
    app.connect("build-finished", write_index)
    return {"parallel_read_safe": True}
