"""What every page gets: a description for search engines, tables that scroll by themselves, no change left unnoticed."""

import zlib
from html import escape
from pathlib import Path
from textwrap import shorten

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform


class TablesScroll(SphinxPostTransform):
    """A table wider than a phone scrolls in its own box, which the keyboard can reach."""

    default_priority = 800
    formats = ("html",)

    def run(self, **kwargs):
        for table in list(self.document.findall(nodes.table)):
            box = nodes.container(classes=["table"])
            table.replace_self(box)
            box += table


def name_folds_by_their_words(app, pagename, templatename, context, doctree):
    """A fold is called what it says, for those who hear it too."""
    context["body"] = context.get("body", "").replace(' aria-label="Toggle hidden content"', "")


def describe(app, pagename, templatename, context, doctree):
    """A page without a description of its own is described by its first paragraph."""
    if 'name="description"' in context.get("metatags", ""):
        return
    first = next(iter(doctree.findall(nodes.paragraph)), None) if doctree else None
    text = first.astext() if first else f"{context.get('title') or 'The way in'}: {app.config.html_title}"
    description = escape(shorten(text, 160, placeholder=" …"))
    context["metatags"] = context.get("metatags", "") + f'<meta name="description" content="{description}">'


def setup(app):
    app.add_post_transform(TablesScroll)
    app.connect("html-page-context", name_folds_by_their_words)
    app.connect("html-page-context", describe)
    sources = sorted(Path(__file__).parent.glob("*.py"))
    version = zlib.crc32(b"".join(source.read_bytes() for source in sources))
    return {"parallel_read_safe": True, "env_version": version}  # a changed extension refreshes every page
