"""Notebooks in the site: each page's notebook to download, answers folded away, and outputs that are never stale."""

import hashlib
import json
import os
import re
import shutil
from fnmatch import fnmatch
from pathlib import Path

import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from myst_nb.core.read import read_myst_markdown_notebook
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.parallel import make_chunks

# What a page runs beside its own text.
INPUTS = {
    "book/*": ["requirements.txt", "book/figures/__init__.py"],  # and the figures of that chapter, see `drawing`
    "book/[abgkrt]*": ["grader/**/*.py"],  # adding, benchmark, grader, kill_table, report_format, teachers, trust
    "book/teachers": ["book/classroom.py", "solutions/*", "exercises/*", "grader/reports/*", "tests/notebooks.py", "tests/right_answers/*.py"],
    "book/[bk]*": ["benchmarks/results/*.json"],
    "exercises/*": ["grader/**/*.py"],  # where a task is taught
    "solutions/*": ["requirements.txt", "grader/**/*.py"],
}
LONGEST = "book/kill_table"  # as long as four chapters
CLASS = Path("_build/class")  # where the page for teachers leaves the pages that `report` makes


def use_a_plain_profile(app):
    """Pages run the same on every machine: under an empty IPython profile, not the one of whoever builds the site."""
    profile = Path(app.doctreedir).parent / ".ipython/profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 'ERROR'\n", encoding="utf-8")
    os.environ["IPYTHONDIR"] = str(profile.parent)


def run_pages_side_by_side(app):
    """Running the pages is most of a build: four at a time, with a thread each."""
    app.parallel = 4  # more than two cores need to be kept busy, and no more than a small memory holds
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    app.extensions["sphinx_multitoc_numbering"].parallel_read_safe = True  # it does not say so; it numbers pages when all are read


def deal(app, env, docnames):
    """Each of Sphinx's processes reads a stretch of the pages. The longest page leads the first, with pages behind it that run nothing; the others are dealt
    like cards, so that the long ones, neighbours all, do not fall to one."""
    stretch = len(make_chunks(docnames, app.parallel)[0]) if LONGEST in docnames else 0
    first = sorted(docnames, key=lambda docname: (docname != LONGEST, not docname.startswith("exercises/")))[:stretch]
    others = [docname for docname in docnames if docname not in first]
    docnames[:] = [*first, *(docname for start in range(app.parallel) for docname in others[start :: app.parallel])]


def rerun_what_changed(app, env, added, changed, removed):
    """Jupyter's cache knows a notebook's own text. Forget its outputs when something else that it runs has changed."""
    cache = get_cache(env.mystnb_config.execution_cache_path)
    memory = Path(cache.path, "inputs.json")
    before = json.loads(memory.read_text(encoding="utf-8")) if memory.exists() else {}
    now = {docname: digest(Path(app.srcdir), docname) for docname in sorted(env.found_docs)}
    stale = {docname for docname in now if before.get(docname, now[docname]) != now[docname]}
    stale |= set() if Path(app.srcdir, CLASS).is_dir() else {"book/teachers"}
    sources = tuple("/" + env.doc2path(docname, base=False) for docname in stale)
    for record in cache.list_cache_records():
        if Path(record.uri).as_posix().endswith(sources):  # wherever the course's folder was then
            cache.remove_cache(record.pk)
    app.notebook_inputs = memory, now
    return stale


def digest(root, docname):
    patterns = {pattern for page, patterns in INPUTS.items() if fnmatch(docname, page) for pattern in patterns}
    files = sorted(file for pattern in [*patterns, drawing(docname)] for file in root.glob(pattern) if file.is_file())
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def drawing(docname):
    """The module with the figures of a chapter: book/figures/formula.py for book/01_formula."""
    return f"book/figures/{docname.rpartition('/')[2][3:]}.py"


def remember_inputs(app, exception):
    if exception is None:
        memory, now = app.notebook_inputs
        memory.write_text(json.dumps(now), encoding="utf-8")


def show_class(app, exception):
    """The pages that `report` made, beside the page that tells of them."""
    if exception is None:
        shutil.copytree(Path(app.srcdir, CLASS), Path(app.outdir, "book/class"), dirs_exist_ok=True)


def fold_answers(app, docname, source):
    """A solution says so in its title and asks for nothing; each answer waits behind a fold, without the marks that only the release needs."""
    if not docname.startswith("solutions/"):
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            text = re.sub(r"In each cell below, replace .*?run its check\.", "Try a task before you open its answer.", text, flags=re.DOTALL)
            cell["source"] = re.sub(r"^# Exercise", "# Solution", text)
        if cell["cell_type"] == "code" and "BEGIN SOLUTION" in text:
            cell["source"] = re.sub(r"^\s*### (BEGIN|END) SOLUTION\s*$\n?", "", text, flags=re.MULTILINE)
            cell["metadata"].setdefault("tags", []).append("hide-input")
            cell["metadata"]["mystnb"] = {"code_prompt_show": "Show the answer", "code_prompt_hide": "Hide the answer"}
    source[0] = json.dumps(notebook)


class LinesAreWrittenOnce(SphinxTransform):
    """What a cell prints piece by piece is one text; a line that is written over and over, as by a progress bar, shows what is left of it."""

    default_priority = 400

    def apply(self, **kwargs):
        for block in list(self.document.findall(lambda node: isinstance(node, nodes.literal_block) and "output" in node["classes"])):
            before = block.parent[block.parent.index(block) - 1] if block.parent.index(block) else None
            if isinstance(before, nodes.literal_block) and before["classes"] == block["classes"]:
                block.rawsource = before.rawsource + block.rawsource
                block.parent.remove(before)
            block.rawsource = re.sub(r"[^\n]*\r(?!\n)", "", block.rawsource)
            block.children = [nodes.Text(block.rawsource)]


class FoldsSayWhatTheyHide(SphinxPostTransform):
    """A cell's output, or its code: _config.yml has words for the code alone."""

    default_priority = 198  # before MyST-NB makes the folds

    def run(self, **kwargs):
        for cell in self.document.findall(lambda node: isinstance(node, nodes.container) and node.get("hide_mode") == "output"):
            cell["prompt_show"], cell["prompt_hide"] = "Show the output", "Hide the output"


def offer_download(app, pagename, templatename, context, doctree):
    """Put the page's notebook next to the page and tell the template its name."""
    if doctree is None:
        return
    page = Path(app.env.doc2path(pagename))
    target = Path(app.outdir, pagename + ".ipynb")
    if page.suffix == ".ipynb":
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, target)
    elif re.match(r"book/\d\d_", pagename):  # a chapter
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(as_notebook(page), target)
    else:
        return
    context["notebook"] = target.name


def as_notebook(page):
    """A chapter as a notebook that reads and runs anywhere: plain Markdown, and below its title, folded, what draws its figures."""
    notebook = read_myst_markdown_notebook(page.read_text(encoding="utf-8"))
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain_markdown(cell.source)
        else:
            cell.metadata.pop("mystnb", None)
    if any("import figures" in cell.source for cell in notebook.cells):
        folder = page.parent / "figures"
        files = [file for file in (folder / "__init__.py", folder / f"{page.stem[3:]}.py") if file.exists()]
        cells = ["import pathlib\n\npathlib.Path('figures').mkdir(exist_ok=True)"]
        cells += [f"%%writefile figures/{file.name}\n{file.read_text(encoding='utf-8')}" for file in files]
        notebook.cells[1:1] = [nbformat.v4.new_code_cell(source, metadata={"jupyter": {"source_hidden": True}}) for source in cells]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"  # the same chapter gives the same file
    nbformat.validate(notebook)
    return notebook


def plain_markdown(text):
    """What Jupyter draws by itself in place of what only this site draws."""
    lines, every = re.MULTILINE, re.MULTILINE | re.DOTALL
    text = re.sub(r"^\([\w-]+\)=\n", "", text, flags=lines)
    text = re.sub(r"^```\{math\}[^\n]*\n(?::\w+:[^\n]*\n)*(.*?)^```$", r"$$\n\1$$", text, flags=every)
    text = re.sub(r"^:::\{([\w-]+)\} *([^\n]*)\n(?::\w+:[^\n]*\n)*(.*?)^:::$", aside, text, flags=every)
    text = re.sub(r"\{task\}(`[^`]+`)", r"\1", text)
    text = re.sub(r"\{(?:doc|ref|eq|numref|term)\}`([^`<]+?)(?: *<[^`]*>)?`", r"*\1*", text)
    return re.sub(r"\[([^\]]+)\]\(#?[\w-]+\)", r"*\1*", text)


def aside(match):
    kind, title, body = match.groups()
    if kind == "moving":  # a notebook shows the still figure
        return ""
    if kind == "dropdown":
        return f"**{title}**\n\n<details><summary>Show</summary>\n\n{body}\n</details>"  # a summary shows no Markdown
    return "\n".join("> " + line for line in [f"**{title or kind.capitalize()}**", "", *body.splitlines()])


def setup(app):
    app.connect("builder-inited", use_a_plain_profile)
    app.connect("builder-inited", run_pages_side_by_side)
    app.connect("env-get-outdated", rerun_what_changed)
    app.connect("env-before-read-docs", deal)
    app.connect("source-read", fold_answers)
    app.add_transform(LinesAreWrittenOnce)
    app.add_post_transform(FoldsSayWhatTheyHide)
    app.connect("html-page-context", offer_download)
    app.connect("build-finished", remember_inputs)
    app.connect("build-finished", show_class)
    return {"parallel_read_safe": True}
