"""Pickles of torch and Lightning, read without running anything that they name.

`torch.load(weights_only=True)` builds tensors and plain values and refuses every other class or function that the file
names. Objects that only wrap values (`argparse.Namespace`, those of omegaconf) are read as `Inert`: a class of ours
stands in for each of them, so nothing is imported and no code of theirs runs.
"""

import pickletools
import zipfile
import zlib
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING  # the names of Python 2, which protocol 2 still writes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor, _weights_only_unpickler
from torch.serialization import safe_globals

#: Names of classes that only hold values: single ones, and packages whose classes all do.
WRAPPERS = frozenset(
    {
        "argparse.Namespace",
        "collections.defaultdict",
        "pathlib.PosixPath",
        "pathlib.PurePosixPath",
        "pathlib.WindowsPath",
        "typing.Any",
        "lightning.fabric.utilities.data.AttributeDict",
        "lightning.pytorch.utilities.parsing.AttributeDict",
        "pytorch_lightning.utilities.parsing.AttributeDict",
        "lightning_fabric.utilities.data.AttributeDict",
        *(f"builtins.{kind}" for kind in ("bool", "dict", "float", "int", "list", "object", "str", "tuple")),
    }
)
WRAPPING_PACKAGES = ("omegaconf.",)
DEEPEST = 100  # levels of containers
MOST_NAMED = 5
IN_A_ROW = 5  # pickles of the format before zip: mark, version, machine, content, keys


class Inert:
    """Stands in for an object that a file describes: it holds what the file gives it and does nothing."""

    values: tuple[Any, ...]
    state: dict[Any, Any]

    def __new__(cls, *values: Any, **named: Any) -> "Inert":
        made = object.__new__(cls)
        made.values, made.state = values, dict(named)
        return made

    def __setstate__(self, state: Any) -> None:
        self.state = dict(state) if isinstance(state, dict) else {"_val": state}

    def __setitem__(self, key: Any, value: Any) -> None:
        self.state[key] = value


def read_pickled(path: Path, inert: Sequence[str] = ()) -> Any:
    """What a file of `torch.save` holds: containers, plain values, tensors on the CPU, and `Inert` objects.

    Args:
        path: `.bin`, `.pt`, `.pth` or `.ckpt`, in the zip format of torch or the one before it.
        inert: further names of classes to read as `Inert`.

    Raises:
        ValueError: a file that names other classes or functions (they are listed), or is truncated or damaged.
    """
    if not path.is_file():
        raise ValueError(f"There is no file {path}.")
    named = _named(path)
    standing_in = [name for name in named if _wraps(name) or name in inert]
    allowed: Any = [(Inert, name) for name in standing_in]
    try:
        with safe_globals(allowed):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling fails in as many ways as there are bytes
        refused = [name for name in named if name not in standing_in and not _is_torch(name)]
        if refused:
            raise ValueError(_refusal(path, refused)) from error
        raise ValueError(
            f"{path} cannot be read: it is truncated, damaged or no file of torch.save ({_reason(error)})"
        ) from error


def plain(value: Any, depth: int = 0) -> Any:
    """Values for JSON: `Inert` objects become what they hold, tensors and everything else their description.

    Raises:
        ValueError: containers deeper than `DEEPEST`.
    """
    if depth > DEEPEST:
        raise ValueError(f"the file holds containers in each other, more than {DEEPEST} deep")
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if value == value and abs(value) != float("inf") else str(value)
        case Mapping():
            return {str(key): plain(one, depth + 1) for key, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(one, depth + 1) for one in value]
        case Inert():
            return plain(content(value), depth + 1)
        case Tensor():
            return f"tensor {list(value.shape)}"
        case _:
            return type(value).__name__


def content(value: Inert) -> Any:
    """What an object holds; of omegaconf's containers and nodes what they wrap."""
    for key in ("_content", "_val"):
        if key in value.state:
            return value.state[key]
    return {key: one for key, one in value.state.items() if not str(key).startswith("_")} or list(value.values)


@contextmanager
def _pickles(path: Path) -> Iterator[list[BinaryIO]]:
    """The files in which a checkpoint's pickles lie: one in an archive, several in a row in the format before it.

    Raises:
        ValueError: an archive that unpacks to more than its own size; `torch.save` does not compress.
    """
    with ExitStack() as stack:
        if not zipfile.is_zipfile(path):
            yield [stack.enter_context(path.open("rb"))]
            return
        archive = stack.enter_context(zipfile.ZipFile(path))
        if sum(entry.file_size for entry in archive.infolist()) > path.stat().st_size:
            raise ValueError(f"{path} is refused: it unpacks to more than its own {path.stat().st_size} bytes")
        entries = [entry for entry in archive.infolist() if entry.filename.endswith("data.pkl")]
        yield [BytesIO(archive.read(entry)) for entry in entries]


def _named(path: Path) -> list[str]:
    """The classes and functions that the pickles of a checkpoint name, as `module.name`; nothing is executed.

    Raises:
        ValueError: an archive that is damaged or unpacks to more than its size.
    """
    try:
        with _pickles(path) as files:
            return sorted({name for file in files for name in _globals(file)})
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _globals(file: BinaryIO) -> Iterator[str]:
    for _ in range(IN_A_ROW):
        try:
            for operation, value, _place in pickletools.genops(file):
                if operation.name in ("GLOBAL", "INST"):
                    module, name = str(value).split(" ", 1)
                    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
                    yield f"{module}.{name}"
        except Exception:  # bytes that are no pickle; torch refuses them with a reason
            return


def _reason(error: Exception) -> str:
    """The sentence of torch's message that is about the file; its advice to load it without checks is left out."""
    lines = (str(error) or type(error).__name__).splitlines()
    found = next((line for line in lines if "Unpickler error" in line), lines[0])
    return found.strip().partition(" Please use ")[0]


def _wraps(name: str) -> bool:
    return name in WRAPPERS or name.startswith(WRAPPING_PACKAGES)


def _is_torch(name: str) -> bool:
    return name in _weights_only_unpickler._get_allowed_globals()


def _refusal(path: Path, refused: Sequence[str]) -> str:
    more = f" and {len(refused) - MOST_NAMED} more" if len(refused) > MOST_NAMED else ""
    return (
        f"{path} is refused: it names {', '.join(refused[:MOST_NAMED])}{more}, neither tensors nor plain values. "
        f"Nothing of it was run. A class that only holds values can be read without importing it: --inert {refused[0]}"
    )
