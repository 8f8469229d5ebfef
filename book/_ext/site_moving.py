"""Figures that move. `:::{moving} one-sum` keeps a place right after a still figure; where scripts run, and on screen, the figure of that name
in book/_static/moving takes the still one's place. Only pages that have one load its scripts.
"""

from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive

FOLDER = Path(__file__).parents[1] / "_static/moving"


class place(nodes.General, nodes.Element):
    """Where a moving figure may stand."""


class Moving(Directive):
    required_arguments = 1

    def run(self):
        name = self.arguments[0]
        if not (FOLDER / f"{name}.js").is_file():
            raise self.error(f"There is no moving figure {name!r}: no {name}.js in book/_static/moving.")
        return [place(name=name)]


def keep_a_place(writer, node):
    writer.body.append(f'<div data-moving="{node["name"]}" hidden></div>\n')
    raise nodes.SkipNode


def load_scripts(app, pagename, templatename, context, doctree):
    names = [node["name"] for node in doctree.findall(place)] if doctree else []
    if not names:
        return
    address = context["pathto"]
    style = f'<link rel="stylesheet" href="{address("_static/moving/moving.css", 1)}">\n'
    scripts = [f'<script defer src="{address(f"_static/moving/{name}.js", 1)}"></script>\n' for name in ["moving", *names]]
    context["body"] += style + "".join(scripts)


def setup(app):
    app.add_node(place, html=(keep_a_place, None))
    app.add_directive("moving", Moving)
    app.connect("html-page-context", load_scripts)
    return {"parallel_read_safe": True}
