"""What learners are called: the headings of tables about them, the forms of a name, and Moodle's folders. It knows no table and no file."""

import re
import unicodedata

HEADINGS = {  # usual ones, in English and German, without what is not a letter
    "name": "name fullname student studentname learner participant vollständigername namevorname nachnamevorname teilnehmer teilnehmerin",
    "first": "firstname givenname forename vorname vornamen",
    "last": "lastname surname familyname nachname familienname",
    "email": "email emailaddress mail mailaddress emailadresse emailaddresse",
    "login": "login loginid username userlogin sisloginid anmeldename benutzername githubusername github account kennung benutzerkennung rzkennung",
    "id": "id identifier userid usrid sisuserid idnumber studentid studentnumber matriculationnumber matrikelnummer matrikelnr matrikel idnummer "
    "teilnehmernummer orgdefinedid integrationid",
    "time": "lastmodifiedsubmission zuletztgeändertabgabe",
    "due": "due duedate until deadline extension frist abgabefrist verlängerung bis fällig",
}
KINDS = {heading: kind for kind, headings in HEADINGS.items() for heading in headings.split()}
MOODLE_FOLDER = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_|$)", re.DOTALL)


def kind_of(heading: str) -> str:
    """What a column holds, by its heading: a key of HEADINGS, or nothing."""
    return KINDS.get(re.sub(r"[\W\d_]", "", unicodedata.normalize("NFC", heading)).lower(), "")


def moodle_folder(name: str = "", id: str = "", **_) -> str:
    """The name of the folder in which Moodle takes a learner's feedback file back, by what it calls them; empty where that is not enough."""
    name = " ".join(re.sub(r'[_/\\:*?"<>|\x00-\x1f]', " ", name).split())
    return f"{name}_{id}_assignsubmission_file_" if name and id else ""


def same(text: str) -> str:
    """An id, a login or a name as it is compared."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def words(name: str) -> list[str]:
    """The words of a name as they are compared."""
    return re.findall(r"[^\W_]+", same(name))


def names(name: str) -> set[str]:
    """What a name may look like elsewhere: "Last, First" or "First Last", with or without spaces. Which words are the last name is not known."""
    parts = words(name)
    return {"".join(parts[at:] + parts[:at]) for at in range(len(parts))}


def plain_letters(text: str, umlauts: bool = True) -> str:
    """The text in letters that have no marks; an umlaut becomes two letters, or loses its dots."""
    for mark, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("Ä", "Ae"), ("Ö", "Oe"), ("Ü", "Ue")) if umlauts else ():
        text = text.replace(mark, plain)
    for letter, plain in (("ß", "ss"), ("ø", "o"), ("Ø", "O"), ("æ", "ae"), ("Æ", "Ae"), ("ł", "l"), ("Ł", "L"), ("đ", "d"), ("Đ", "D"), ("ı", "i")):
        text = text.replace(letter, plain)
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def may_be_called(one: str, other: str) -> bool:
    """Whether two names may be one person's: they share a word, or one stands in the other's letters (Canvas writes names without spaces)."""
    for umlauts in (True, False):
        some, more = (words(plain_letters(unicodedata.normalize("NFC", name), umlauts)) for name in (one, other))
        if not some or not more or set(some) & set(more):
            return True
        if any(len(word) > 2 and word in "".join(long) for short, long in ((some, more), (more, some)) for word in short):
            return True
    return False
