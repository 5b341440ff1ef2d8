"""Checkpoints: the weights of one module and the config that builds it, in one safetensors file.

One file, because an interruption between two files would leave new weights beside an old config. The config is JSON in
the file's metadata. Checkpoints are untrusted files: nothing is unpickled, the config may name classes of few packages
only, and building the module may use no more memory than the tensors of the file justify.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_model
from torch import nn
from torch.overrides import TorchFunctionMode

from adaptive_diffusion.config import instantiate, resolve
from adaptive_diffusion.config.resolution import Node, leaves
from adaptive_diffusion.core.tensor_files import tensors_written
from adaptive_diffusion.models.pretrained.loading import borrowing
from adaptive_diffusion.models.pretrained.pickles import is_pickle, refusal
from adaptive_diffusion.storage.atomic_write import atomic_write

FORMAT = "adaptive-diffusion/1"
#: The packages of adaptive_diffusion that the config of a checkpoint may name.
PACKAGES = ("core.corruption", "core.schedule", "models")
#: The module in which `transformers` keeps the code of models that bring their own.
REMOTE_CODE = "transformers_modules"
LARGEST_HEADER = 16 * 2**20
SMALLEST = 4096
FACTORIES = {"arange", "empty", "full", "ones", "rand", "randn", "zeros"}


@dataclass(frozen=True)
class Header:
    """The metadata of a checkpoint.

    Attributes:
        config: the module's config, plain values with a ``_target_``.
        about: further facts that were saved with the weights (task, steps trained, …).
        shapes: of each tensor in the file.
        floating: names of the tensors with floating-point numbers.
    """

    config: dict[str, Any]
    about: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]
    floating: frozenset[str]

    @property
    def untrained(self) -> frozenset[str]:
        """Names of the heads that still have the weights they began with; files of before do not name them."""
        named = self.about.get("untrained")
        return frozenset(map(str, named)) if isinstance(named, list) else frozenset()


def save_checkpoint(path: Path | str, module: nn.Module, config: Node, about: Mapping[str, Any] | None = None) -> None:
    """Writes the weights of ``module`` and the ``config`` that builds it, atomically.

    Args:
        path: the file, ending in ``.safetensors``.
        module: a module; one that ``torch.compile`` wrapped is saved without the wrapping.
        config: a node with a ``_target_``, resolved or to be resolved.
        about: further facts, plain values.

    Raises:
        ValueError: if the config has no ``_target_``.
    """
    plain = resolve(config)
    if not isinstance(plain, dict) or "_target_" not in plain:
        raise ValueError("A checkpoint's config must be one node with a _target_.")
    metadata = {"format": FORMAT, "config": json.dumps(plain), "about": json.dumps(dict(about or {}))}
    with atomic_write(Path(path)) as part, tensors_written(Path(path)):
        save_model(getattr(module, "_orig_mod", module), str(part), metadata)


def load_checkpoint(path: Path | str, allow: Sequence[str] = ()) -> nn.Module:
    """The module of a checkpoint, on the CPU and in evaluation mode.

    Args:
        path: a file that :func:`save_checkpoint` wrote, on this machine or another.
        allow: modules outside this package whose classes the config may name.

    Raises:
        ValueError: if the file is not a checkpoint or is damaged, if its config is refused, or if its tensors are not
            those of the module that the config describes.
    """
    path = Path(path)
    header = read_header(path)
    _refuse_remote_code(header, path, allow)
    try:
        with torch.random.fork_rng(devices=[]), _Budget(sum(map(prod, header.shapes.values()))):
            module = instantiate(header.config, allow, PACKAGES)
        if not isinstance(module, nn.Module):
            raise ValueError(f"the config builds a {type(module).__name__}, not a module.")
        _compare(header, module)
    except (ModuleNotFoundError, OSError):
        raise  # an extra that is not installed, a borrowed model that cannot be fetched
    except Exception as error:  # constructors may fail in any way on values from an untrusted file
        raise ValueError(f"{path} is refused: {error or type(error).__name__}") from error
    module.load_state_dict(load_file(path), strict=False)
    return module.eval()


def _refuse_remote_code(header: Header, path: Path, allow: Sequence[str]) -> None:
    # Every value but false and null counts as consent: [0] and {"a": false} would be true where the flag is read.
    flags = [(key, value) for key, value in leaves(header.config) if "remote_code" in re.split(r"[.\[]", key)]
    refused = [key.endswith("remote_code") and (value is None or value is False) for key, value in flags]
    if not all(refused) and REMOTE_CODE not in allow:
        raise ValueError(
            f"{path} is refused: its denoiser runs code that is stored with other weights, and a file cannot consent "
            f"to that. If you trust that code: --allow-module {REMOTE_CODE} (in Python: allow=[{REMOTE_CODE!r}])"
        )


def read_header(path: Path | str) -> Header:
    """Reads the metadata of a checkpoint; no module is built.

    Raises:
        ValueError: if the file is not a checkpoint, is damaged, or is a pickle.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no checkpoint {path}.")
    _check_size(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            shapes = {name: tuple(part.get_shape()) for name, part in slices.items()}
            floating = frozenset(name for name, part in slices.items() if part.get_dtype().startswith(("F", "BF")))
    except SafetensorError as error:
        raise ValueError(_unreadable(path, f"{error}.")) from error
    if metadata.get("format") != FORMAT:
        raise ValueError(f"{path} is refused: its format is {metadata.get('format')!r}; {FORMAT!r} is needed.")
    config, about = (_read_plain(metadata.get(key, "null"), f"{path}: its {key}") for key in ("config", "about"))
    if "_target_" not in config:
        raise ValueError(f"{path}: its config has no _target_.")
    return Header(config, about, shapes, floating)


def _check_size(path: Path) -> None:
    """Checks the length of the header, which the file states, before the header is read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        stated = int.from_bytes(file.read(8), "little")
    if size < 8 or stated > size - 8:
        raise ValueError(_unreadable(path, "it ends before its header does."))
    if stated > LARGEST_HEADER:
        raise ValueError(f"{path} is refused: its header has {stated} bytes; at most {LARGEST_HEADER} are allowed.")


def _unreadable(path: Path, why: str) -> str:
    return refusal(path) if is_pickle(path) else f"{path} is damaged or not a safetensors file: {why}"


def _read_plain(text: str, what: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
        hidden = [key for key, value in leaves(values) if isinstance(value, str) and "${" in value]
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} cannot be read: {error}.") from error
    if not isinstance(values, dict) or hidden:
        raise ValueError(f"{what} is refused: it must be plain values without interpolations.")
    return values


class _Budget(TorchFunctionMode):
    """Stops a construction that creates far more numbers than the file has, before they are written to memory. A tensor
    counts as at least `SMALLEST` numbers, so that a million tiny layers are stopped too."""

    def __init__(self, stored: int) -> None:
        super().__init__()
        self.left = 64 * (stored + 2**20)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not borrowing():
            self._spend(_expected(func, args))
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and not borrowing():
            self._spend(result.numel())
            self.left -= max(result.numel(), SMALLEST)
        return result

    def _spend(self, numbers: int) -> None:
        if numbers > self.left:
            raise ValueError("its config describes a module far larger than its weights.")


def _expected(func: Any, args: Sequence[Any]) -> int:
    """About how many numbers a call will write, from its arguments: sizes, or shapes that are broadcast."""
    if getattr(func, "__name__", "") in FACTORIES:
        sizes = [size for arg in args for size in (arg if isinstance(arg, tuple | list) else [arg])]
        return prod(size for size in sizes if isinstance(size, int) and size > 0)
    shapes = [reversed(arg.shape) for arg in args if isinstance(arg, torch.Tensor)]
    # `torch.broadcast_shapes` would do, but it imports SymPy: 40 MB and half a second for every command.
    sizes = [set(size) - {1} for size in zip_longest(*shapes, fillvalue=1)]
    if len(shapes) < 2 or any(len(size) > 1 for size in sizes):
        return 0
    return prod(size.pop() for size in sizes if size)


def _compare(header: Header, module: nn.Module) -> None:
    """Refuses a file whose tensors are not those of the module; a tensor with two names is stored under one."""
    wanted = module.state_dict(keep_vars=True)
    stored = {id(tensor) for name, tensor in wanted.items() if name in header.shapes}
    wrong = [f"{name!r} is in the file only" for name in header.shapes.keys() - wanted.keys()]
    for name, tensor in wanted.items():
        shape = header.shapes.get(name)
        if shape is None:
            wrong += [] if id(tensor) in stored else [f"{name!r} is missing in the file"]
        elif shape != tuple(tensor.shape):
            wrong.append(f"{name!r} is {list(shape)} in the file and {list(tensor.shape)} by the config")
        elif (name in header.floating) != tensor.is_floating_point():
            wrong.append(f"{name!r} has other types of numbers in the file than by the config")
    if wrong:
        more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ValueError(f"the weights do not fit the config: {'; '.join(sorted(wrong)[:3])}{more}.")
