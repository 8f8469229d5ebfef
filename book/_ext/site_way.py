"""The reader's way through the course: chapter, exercise, next chapter; from a section to the task that asks for it, and back."""

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.roles import XRefRole
from sphinx.transforms import SphinxTransform

from grader.catalogue import all_tasks

# What a page's head leads to: the same number's pages in these folders.
COMPANIONS = {"book": ["exercises"], "exercises": ["book", "solutions"], "solutions": ["exercises", "book"]}
KINDS = {"book": "Chapter", "exercises": "Exercise", "solutions": "Solution"}


class TasksHaveAddresses(SphinxTransform):
    """exercises/01_formula.html#linear is the task `linear`, which a chapter calls {task}`linear`. Under its heading stands where it is taught."""

    default_priority = 500  # before Sphinx gathers the labels of a page

    def apply(self, **kwargs):
        folder, _, page = self.env.docname.partition("/")
        if folder not in ("exercises", "solutions"):
            return
        for section in self.document.findall(nodes.section):
            name = next((literal.astext() for literal in section[0].findall(nodes.literal)), None)
            if name not in all_tasks():
                continue
            section["ids"].insert(0, name)
            self.document.ids[name] = section
            if folder == "exercises":
                self.env.get_domain("std").note_object("task", name, name, section)
            section.insert(1, self.ways_back(name, folder, page))

    def ways_back(self, name, folder, page):
        taught = pending_xref("", nodes.inline(), refdomain="std", reftype="ref", reftarget=all_tasks()[name].section,
                              refexplicit=False, refwarn=True, refdoc=self.env.docname)  # fmt: skip
        other = "solutions" if folder == "exercises" else "exercises"
        link = nodes.reference("", KINDS[other], refuri=f"../{other}/{page}.html#{name}", internal=True)
        return nodes.paragraph("", "", nodes.Text("Taught in "), taught, nodes.Text(" · "), link, classes=["ways"])


def turn(app, pagename, templatename, context, doctree):
    """Previous and next as one reads, not as the contents list it; and the pages that belong to this one."""
    pages = app.builder.relations
    course = [page for page in pages if not page.startswith(("exercises/", "solutions/"))]
    way = [stop for page in course for stop in dict.fromkeys([page, page.replace("book/", "exercises/")]) if stop in pages]
    folder, _, name = pagename.partition("/")
    if pagename in way:
        place = way.index(pagename)
        context["prev"] = page_of(app, pagename, way[place - 1]) if place else None
        context["next"] = page_of(app, pagename, way[place + 1]) if place + 1 < len(way) else None
    elif folder == "solutions":
        place = way.index(f"exercises/{name}")
        context["prev"], context["next"] = (page_of(app, pagename, page) for page in way[place : place + 2])
    beside = [f"{other}/{name}" for other in COMPANIONS.get(folder, ())] if f"exercises/{name}" in pages else []
    context["companions"] = [page_of(app, pagename, page) for page in beside]


def page_of(app, here, there):
    title = app.builder.render_partial(app.env.titles[there])["title"]
    return {"link": app.builder.get_relative_uri(here, there), "title": title, "kind": KINDS.get(there.partition("/")[0])}


def setup(app):
    app.add_object_type("task", "task")
    app.add_role_to_domain("std", "task", XRefRole(innernodeclass=nodes.literal, warn_dangling=True), override=True)
    app.add_transform(TasksHaveAddresses)
    app.connect("html-page-context", turn)
    return {"parallel_read_safe": True}
