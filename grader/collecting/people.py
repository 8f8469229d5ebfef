"""Who the learners are: told apart by what paths claim, met with the roster, each with a folder's name of their own."""

import hashlib
import re
import unicodedata

from ..identity import names, plain_letters
from .layouts import Layout
from .records import Learner
from .roster import Roster

RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)  # no names of files in Windows
MAX_KEY = 60  # characters of a name, and of an id, in a folder's name


def tell_apart(handed: list, layout: Layout, roster: Roster | None) -> tuple[list[Learner], list[str]]:
    """Everybody who handed in or should have, each file's own noted with it, and what the roster leaves open."""
    found: dict[tuple, Learner] = {}
    for each in sorted(handed, key=lambda each: bool(each.entry.own)):  # what is nobody's work makes nobody a learner
        each.claim = layout.claim(each.entry)
        who = _identity(each.claim) if each.claim else None
        if who and not each.entry.own:
            found.setdefault(who, Learner(each.claim.name, [each.claim.id] if each.claim.id else [], each.claim.login))
        each.learner = found.get(who)
    learners = list(found.values())
    notes = _meet(learners, roster) if roster else []
    taken = set()
    for learner in sorted(learners, key=lambda each: (each.name, each.id, each.login)):
        key = _key(learner)
        learner.key = next(name for name in [key, *(f"{key}_{more}" for more in range(2, len(learners) + 2))] if name.lower() not in taken)
        taken.add(learner.key.lower())
    return learners, notes


def _identity(claim):
    """By what a learner is told from others: the id, or else the login, or else the name."""
    if claim.id:
        return "id", claim.id
    if claim.login.strip("."):  # `..`, too, may stand in a path
        return "login", claim.login.casefold()
    return ("name", "".join(unicodedata.normalize("NFKC", claim.name).casefold().split())) if claim.name.strip(".") else None


def _meet(learners, roster):
    """Fill in what the roster knows of learners, and add those who are on it alone. Returns what it leaves open, in lines."""
    matches = [(learner, *roster.find(learner)) for learner in learners]
    claims = [id(person) for _, person, _ in matches]
    notes, strangers, met = [], [], set()
    for learner, person, why in matches:
        if person and claims.count(id(person)) > 1:
            person, why = None, f"on the roster only {person.shown} is like this one, and like another"
        if person:
            met.add(id(person))
            learner.name, learner.email, learner.handed_in = person.name or learner.name, person.email, person.handed_in
            learner.login = learner.login or person.login
            learner.ids = list(dict.fromkeys(learner.ids + person.ids))
        else:
            notes.append(f"{learner.shown}: {why}")
            strangers.append(learner)
    for person in roster.people:
        if id(person) not in met:
            alike = [learner.shown for learner in strangers if names(learner.name) & names(person.name)]
            person.note = f"unless this is {', '.join(alike)}" if alike else ""
            learners.append(person)
    return notes


def _key(learner):
    """The name of a learner's folder: letters that every system writes, the name for people, the id to tell them apart."""
    parts = [re.sub(r"[^A-Za-z0-9-]+", "_", plain_letters(part)).strip("_-")[:MAX_KEY] for part in (learner.name or learner.login, learner.id)]
    key = "_".join(filter(None, parts))
    if not key:
        key = f"learner_{hashlib.sha256(repr((learner.name, learner.id, learner.login)).encode('utf-8', 'replace')).hexdigest()[:8]}"
    return f"learner_{key}" if RESERVED.match(key) else key
