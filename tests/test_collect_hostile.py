"""What is handed in to harm or to cheat, when a download is collected: zips, links, names, and paths that claim to be somebody else's."""

import io
import os
import stat
import struct
import zipfile

import pytest

from .downloads import collect, fill, packed, refused, work


def member(name, mode=0):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


HOSTILE = {
    "out of it": ([("../../x.ipynb", work(1))], "its path leads out of the zip"),
    "out of it, deeper": ([("a/../../../x.ipynb", work(1))], "its path leads out of the zip"),
    "absolute": ([("/tmp/x.ipynb", work(1))], "its path leads out of the zip"),
    "a drive": ([("C:\\x.ipynb", work(1))], "its path leads out of the zip"),
    "backslashes": ([("..\\..\\x.ipynb", work(1))], "its path leads out of the zip"),
    "a link": ([(member("x.ipynb", stat.S_IFLNK | 0o777), "/etc/passwd")], "a link; links are not followed"),
    "a device": ([(member("x.ipynb", stat.S_IFCHR | 0o666), "")], "not a plain file"),
    "a pipe": ([(member("x.ipynb", stat.S_IFIFO | 0o666), "")], "not a plain file"),
    "twice": ([("x.ipynb", work(1)), ("x.ipynb", work(2))], "stands in the zip more than once"),
    "a bomb": ([("x.ipynb", bytes(60 * 2**20))], "unpacks to more than"),
    "a dense one": ([("x.ipynb", bytes(25 * 2**20))], "unpacks to more than 200 times its size"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("nested", [False, True], ids=["handed out by the platform", "handed in"])
def test_a_hostile_zip_harms_nobody(tmp_path, case, nested):
    members, words = HOSTILE[case]
    good = ("Ann_1_assignsubmission_file_/a.ipynb", work(7))
    if nested:
        download = packed([("Eve_2_assignsubmission_file_/x.zip", packed(members)), good], tmp_path / "download.zip")
    else:
        download = packed([*members, good], tmp_path / "download.zip")
    before = sorted(tmp_path.parent.iterdir())
    found, printed = collect(download, code=1)
    bad = [record for record in found.values() if record.status == "refused"]
    assert bad and all(words in record.reason for record in bad) and found[good[0]].status == "taken"
    assert sorted(tmp_path.parent.iterdir()) == before
    assert all(record.name == "Eve" for record in bad) or not nested


def lie_about_size(data: bytes) -> bytes:
    """A zip whose lists say that its first file unpacks to ten bytes."""
    data = bytearray(data)
    for mark, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<I", data, data.index(mark) + offset, 10)
    return bytes(data)


def test_headers_are_not_believed(tmp_path):
    """Nor is one zip's share another's; encrypted and cut-off ones are refused by name, and so are zips without end."""
    deep = packed({"x.ipynb": work(1)})
    for _ in range(3):
        deep = packed({"inner.zip": deep})
    encrypted = bytearray(packed({"x.ipynb": work(1)}))
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        encrypted[encrypted.index(mark) + offset] |= 1
    many = [(f"{number}.ipynb", bytes(49 * 2**20)) for number in range(6)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("x.zip", packed({"x.ipynb": work(2)}))
    files = {
        "liar/x.zip": lie_about_size(packed({"x.ipynb": bytes(30 * 2**20)})), "deep/x.zip": deep, "locked/x.zip": bytes(encrypted),
        "cut/x.zip": packed({"x.ipynb": work(1)})[:-30], "many/x.zip": packed(many), "within/x.zip": buffer.getvalue(), "good/x.zip": packed({"x.ipynb": work(3)}),
    }  # fmt: skip
    found, _ = collect(fill(tmp_path / "class", files), code=1)
    assert found["liar/x.zip/x.ipynb"].status == "refused"
    assert found["deep/x.zip/inner.zip/inner.zip/inner.zip"].reason.startswith("a zip within 3 others")
    assert found["locked/x.zip/x.ipynb"].reason == "encrypted; it needs its password"
    assert (found["cut/x.zip"].status, found["cut/x.zip"].reason[:9]) == ("refused", "not a zip")
    assert {found[f"many/x.zip/{number}.ipynb"].status for number in range(6)} == {"refused"}
    assert found["within/x.zip/x.zip/x.ipynb"].status == found["good/x.zip/x.ipynb"].status == "taken"
    assert found["within/x.zip"].status == "unpacked"


def test_a_download_that_is_none_is_refused(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"Rar!")
    refused(tmp_path, tmp_path / "x.zip", "-o", tmp_path / "out", words="not a zip, or a damaged one")
    refused(tmp_path, tmp_path / "none.zip", "-o", tmp_path / "out", words="no such file or folder")
    download = fill(tmp_path / "flat", {"x.ipynb": work(1)})
    refused(tmp_path, download, "-o", tmp_path / "out", words="--pattern")


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="links and pipes need rights here")
def test_links_and_pipes_in_a_folder_are_left_alone(tmp_path):
    secret = fill(tmp_path / "secret", {"x.ipynb": work(1)})
    download = fill(tmp_path / "class", {"tim/a.ipynb": work(2)})
    (download / "eve").mkdir()
    (download / "eve/x.ipynb").symlink_to(secret / "x.ipynb")
    (download / "eve/folder").symlink_to(secret)
    (download / "mallory").symlink_to(secret)
    os.mkfifo(download / "eve/pipe.ipynb")
    found, _ = collect(download, code=1)
    assert {source: record.status for source, record in found.items()} == {
        "tim/a.ipynb": "taken", "eve/x.ipynb": "refused", "eve/folder": "refused", "eve/pipe.ipynb": "refused", "mallory": "refused",
    }  # fmt: skip


def test_what_is_printed_and_written_steers_nothing(tmp_path):
    files = {"=HYPERLINK(1)/a.ipynb": work(1), "\x1b[31m red\u202e/a.ipynb": work(2), "@b/-x.pdf": "%PDF", "'=c/a.ipynb": work(3)}
    found, printed = collect(packed(files, tmp_path / "class.zip"), code=1)
    assert "\x1b" not in printed and "\\x1b[31m red\\u202e" not in found  # nothing was trouble there
    text = (tmp_path / "submissions/learners.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf") and b"\x1b" not in text
    table = text.decode("utf-8-sig")
    assert ",'=HYPERLINK(1)," in table and ",'@b," in table and ",''=c," in table
    assert {"=HYPERLINK(1)", "@b", "'=c", "\\x1b[31m red\\u202e"} == {record.name for record in found.values()}


def test_members_that_are_neither_files_nor_folders_are_accounted_for(tmp_path):
    """A folder that holds bytes, a name of nothing, a member with the mode of a folder; and a class of two, whoever is beside them."""
    odd = [("x.ipynb/", work(1)), (member("y.ipynb", stat.S_IFDIR | 0o755), work(2)), ("Ann/", "")]
    found, _ = collect(packed([("Tim_1_assignsubmission_file_/a.zip", packed(odd)), ("Ann_2_assignsubmission_file_/a.ipynb", work(3))], tmp_path / "d.zip"), code=1)
    assert {source.rpartition("/")[2]: record.status for source, record in found.items()} == {
        "a.zip": "unpacked", "x.ipynb": "refused", "y.ipynb": "refused", "a.ipynb": "taken"
    }  # fmt: skip


BY_NAME = "Tim Lang - 01_formula.ipynb", "Pia Kurz - 01_formula.ipynb"
CHEATS = {  # what is in a download, and whose each is: nobody's own choice of names makes it somebody else's, or takes theirs away
    "a name like another's folder": {
        "Tim Lang_1_assignsubmission_file_01_formula.ipynb": "1", "Eve_2_assignsubmission_file_Tim Lang_1_assignsubmission_file_01_formula.ipynb": "2",
    },
    "a zip that outvotes the others": {
        **dict.fromkeys(BY_NAME), "Eve Kurz - more.zip": {f"Tim Lang_1_assignsubmission_file_{number}/01_formula.ipynb": work(9) for number in range(9)},
    },
    "a repository within one": {
        "formula-tim/.git/HEAD": "tim", "formula-tim/01_formula.ipynb": "tim", "formula-pia/.git/HEAD": "pia", "formula-pia/01_formula.ipynb": "pia",
        "formula-eve/.git/HEAD": "eve", "formula-eve/more.zip": {"other/.git/HEAD": "", "other/01_formula.ipynb": work(9)},
    },
}  # fmt: skip


@pytest.mark.parametrize("case", CHEATS)
def test_no_name_that_a_learner_chooses_makes_a_file_anothers(tmp_path, case):
    files = {name: packed(owner) if isinstance(owner, dict) else work(number) for number, (name, owner) in enumerate(CHEATS[case].items())}
    found, _ = collect(packed(files, tmp_path / "download.zip"))
    for source, owner in CHEATS[case].items():
        record = found[source.partition(".git/")[0] + ".git/" if ".git/" in source else source]
        assert not isinstance(owner, str) or owner in (record.id, record.login), (source, record)
    assert {found[name].name for name in BY_NAME if name in files} == ({"Tim Lang", "Pia Kurz"} if BY_NAME[0] in files else set())
    own = {record.key for source, record in found.items() if source.startswith(("Eve", "formula-eve"))}
    assert len(own) == 1 and not own & {record.key for source, record in found.items() if not source.startswith(("Eve", "formula-eve"))}
