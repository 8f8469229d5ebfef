"""Pictures fit the page: its colours, light or dark, its width, down to a phone's, and its speed.

A figure is drawn for white paper; a second file has the dark paper's colours, and site.css shows the one of the two that is asked for. A browser loads
neither before it is near, and knows the size of both before it has them.
"""

import re
import sys
from pathlib import Path

import imagesize
from docutils import nodes
from sphinx.writers.html5 import HTML5Translator

LETTERS = 11  # pixels: a figure is not drawn so small that its letters are smaller, it scrolls instead


def visit_image(writer, node):
    source = Path(writer.builder.srcdir, node["uri"])
    HTML5Translator.visit_image(writer, node)
    if not source.is_file():
        return
    width, height = map(round, imagesize.get(source))
    drawn = source.suffix == ".svg"
    least = f' style="min-width: {narrowest(source, width)}px"' if drawn else ""
    tag = writer.body.pop().replace("<img ", f'<img width="{width}" height="{height}"{least} loading="lazy" ')
    if drawn:
        light, dark = tag.replace("<img ", '<img class="light" '), tag.replace("<img ", '<img class="dark" ').replace('.svg"', '.dark.svg"')
        tag = light + dark
    writer.body.append(f'<span class="picture">{tag}</span>')


def narrowest(drawing, width):
    """The width at which the smallest text of Matplotlib's is LETTERS high; its glyphs are 100 units, scaled to points."""
    scales = [float(scale) for scale in re.findall(r"scale\((0\.\d+) -", drawing.read_text(encoding="utf-8"))]
    return min(width, round(width * LETTERS / (min(scales) * 100 * 96 / 72))) if scales else 0


def exchange_colours(app, exception):
    """Write each figure for dark paper, too."""
    if exception:
        return
    sys.path.append(str(Path(__file__).parents[1]))
    from figures import DARK  # with Matplotlib: not before it is needed

    palette = re.compile("|".join(DARK))
    for name in app.builder.images.values():
        if name.endswith(".svg"):
            light = Path(app.outdir, app.builder.imagedir, name)
            dark = palette.sub(lambda colour: DARK[colour[0]], light.read_text(encoding="utf-8"))
            light.with_suffix(".dark.svg").write_text(dark, encoding="utf-8")


def setup(app):
    app.add_node(nodes.image, override=True, html=(visit_image, HTML5Translator.depart_image))
    app.connect("build-finished", exchange_colours)
    return {"parallel_read_safe": True}
