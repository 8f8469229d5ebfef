"""What every page gets: a description and addresses for those who share it, tables that scroll by themselves, no change left unnoticed."""

import re
import zlib
from importlib.metadata import version
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


def take_addresses(app, config):
    """Jupyter Book hands _config.yml's `repository` and `launch_buttons` to its theme. This site has none: they go to the templates."""
    config.html_context["addresses"] = config.html_theme_options
    config.html_theme_options = {}


def name_things_by_their_words(app, pagename, templatename, context, doctree):
    """A fold, and a heading, is called what it says, for those who hear it too."""
    body = context.get("body", "").replace(' aria-label="Toggle hidden content"', "")
    context["body"] = body.replace('<a class="headerlink"', '<a class="headerlink" tabindex="-1" aria-hidden="true"')


def describe(app, pagename, templatename, context, doctree):
    """A page without a description of its own is described by its title and its first paragraph."""
    if not doctree:  # search.html and 404.html bring their own
        return
    own = [meta["content"] for meta in doctree.findall(nodes.meta) if meta.get("name") == "description"]
    title = re.sub(r"<[^>]+>", "", context["title"])
    text = f"{title}. {next(iter(doctree.findall(nodes.paragraph))).astext()}".replace(r"^\top", "ᵀ")
    context["description"] = own[0] if own else shorten(text, 160, placeholder=" …")


def sign(app, pagename, templatename, context, doctree):
    """What the foot of a page says: who wrote it, the torch that it ran on and, where the repository has an address, where the page can be mended."""
    context["author"] = app.config.author
    context["base"] = app.config.html_baseurl and app.config.html_baseurl.rstrip("/") + "/"
    context["torch_version"] = version("torch").partition("+")[0]
    addresses = context["addresses"]
    repository = addresses.get("repository_url", "").rstrip("/")
    if not repository or not doctree:
        return
    source = app.env.doc2path(pagename, base=False)
    branch = addresses.get("repository_branch", "main")
    inside = f"{branch}/{addresses.get('path_to_docs', '')}".rstrip("/")
    context["report"] = f"{repository}/issues/new?title=A+mistake+in+{source}"
    context["edit"] = f"{repository}/edit/{inside}/{source.replace('exercises/', 'solutions/')}"  # an exercise is made from its solution
    host, _, name = repository.removeprefix("https://").partition("/")
    colab = addresses.get("launch_buttons", {}).get("colab_url")
    if colab and host == "github.com" and source.endswith(".ipynb"):
        context["colab"] = f"{colab}/github/{name}/blob/{inside}/{source}"


def list_pages(app, exception):
    """For search engines, where the site has an address."""
    base = app.config.html_baseurl.rstrip("/")
    if exception or not base:
        return
    pages = "".join(f"<url><loc>{base}/{app.builder.get_target_uri(page).removesuffix('index.html')}</loc></url>\n" for page in sorted(app.env.found_docs))
    sitemap = f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{pages}</urlset>\n'
    Path(app.outdir, "sitemap.xml").write_text(sitemap, encoding="utf-8")
    Path(app.outdir, "robots.txt").write_text(f"User-agent: *\nAllow: /\nSitemap: {base}/sitemap.xml\n", encoding="utf-8")


def setup(app):
    app.add_post_transform(TablesScroll)
    app.connect("config-inited", take_addresses)
    for handler in (name_things_by_their_words, describe, sign):
        app.connect("html-page-context", handler)
    app.connect("build-finished", list_pages)
    sources = sorted(Path(__file__).parent.glob("*.py"))
    fingerprint = zlib.crc32(b"".join(source.read_bytes() for source in sources))
    return {"parallel_read_safe": True, "env_version": fingerprint}  # a changed extension refreshes every page
