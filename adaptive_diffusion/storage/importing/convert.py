"""A checkpoint of another program as a folder of the ecosystem."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from adaptive_diffusion.core.tensor_files import tensors_written
from adaptive_diffusion.storage.atomic_write import atomic_write
from adaptive_diffusion.storage.hub import CARD, CONFIG, WEIGHTS
from adaptive_diffusion.storage.importing.architecture import fit, full_config, without_memory
from adaptive_diffusion.storage.importing.names import Names
from adaptive_diffusion.storage.importing.pickled import plain, read_pickled
from adaptive_diffusion.storage.importing.state_dict import weights_of

#: Plain files beside a checkpoint that belong to its tokenizer.
TOKENIZER = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.txt", "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model"),
)
SAFETENSORS = ".safetensors"
BESIDE = ("pytorch_model.bin", "model.pt", "checkpoint.pt")


@dataclass(frozen=True)
class Conversion:
    """What is known of a checkpoint beside its file.

    Attributes:
        config: of the model; None takes the config.json beside the file. Without either, names and shapes are not
            checked.
        names: old names → new ones.
        key: where the state dict stands in the file; None takes the largest.
        inert: further classes to read as values without importing them.
        zeros, ones: weights that the file lacks because they are 0, or 1, in its model or in a new layer of it.
        identities: square matrices of a new layer, which begin as the identity: name → size.
        files: further files of the folder, name → content.
        about: lines of the card, such as source and licence.
    """

    config: Mapping[str, Any] | None = None
    names: Names = field(default_factory=lambda: Names({}))
    key: str | None = None
    inert: Sequence[str] = ()
    zeros: Mapping[str, Sequence[int]] = field(default_factory=dict)
    ones: Mapping[str, Sequence[int]] = field(default_factory=dict)
    identities: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def made(self) -> dict[str, Tensor]:
        """The weights that no file has to hold."""
        zeros = {name: torch.zeros(*shape) for name, shape in self.zeros.items()}
        ones = {name: torch.ones(*shape) for name, shape in self.ones.items()}
        return zeros | ones | {name: torch.eye(size) for name, size in self.identities.items()}


@dataclass(frozen=True)
class Imported:
    """What an import did, for people to read."""

    folder: Path
    sentences: tuple[str, ...]


def convert(source: Path, folder: Path, how: Conversion) -> Imported:
    """Writes config.json, model.safetensors, a card and the tokenizer's files to a new folder, all of them or nothing.

    Raises:
        ValueError: a folder that is not empty, or a checkpoint that is refused or does not fit its config.
    """
    _refuse_taken(folder)
    source = _file_of(source)
    held = load_file(source) if source.suffix == SAFETENSORS else read_pickled(source, how.inert)
    key, stored = weights_of(held, how.key)
    weights, dropped = how.names.rename(stored)
    weights = how.made | weights
    config = how.config if how.config is not None else _config_beside(source)
    if config is None:
        tensors, left_over = weights, ()
        config = {"settings": _settings(held)}
    else:
        model = without_memory(config)
        found = fit(weights, model, source)
        tensors, left_over, config = found.tensors, found.left_over, full_config(model)
    sentences = _sentences(source, key, tensors, dropped, left_over, "settings" in config)
    with atomic_write(folder) as part:
        part.mkdir()
        with tensors_written(folder / WEIGHTS):
            save_file(_apart(tensors), part / WEIGHTS, {"format": "pt"})
        (part / CONFIG).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        for name, content in {**_tokenizer_beside(source), **how.files}.items():
            (part / name).write_text(content, encoding="utf-8")
        (part / CARD).write_text(_card(folder.name, source, how, sentences), encoding="utf-8")
    return Imported(folder, (*sentences, f"written: {folder}"))


def unpacked(content: bytes, name: str, folder: Path, about: Mapping[str, str]) -> Imported:
    """Writes a file that needs no conversion, and a card, to a new folder.

    Raises:
        ValueError: a folder that is not empty.
    """
    _refuse_taken(folder)
    sentences = (f"taken as it is: {name}, {len(content):,} bytes",)
    with atomic_write(folder) as part:
        part.mkdir()
        (part / name).write_bytes(content)
        card = _card(folder.name, part / name, Conversion(about=about), sentences)
        (part / CARD).write_text(card, encoding="utf-8")
    return Imported(folder, (*sentences, f"written: {folder}"))


def _refuse_taken(folder: Path) -> None:
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise ValueError(f"{folder} is there already; choose another folder or remove it")


def _file_of(source: Path) -> Path:
    found = [source / name for name in BESIDE if (source / name).is_file()] if source.is_dir() else [source]
    if not found:
        raise ValueError(f"{source} holds none of {', '.join(BESIDE)}; name the file")
    return found[0]


def _config_beside(source: Path) -> dict[str, Any] | None:
    file = source.parent / CONFIG
    return read_config(file) if file.is_file() else None


def read_config(file: Path) -> dict[str, Any]:
    """The plain values of a config.json.

    Raises:
        ValueError: a file that holds no JSON object.
    """
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise ValueError(f"{file} holds no config but {type(config).__name__}")
    return config


def _tokenizer_beside(source: Path) -> dict[str, str]:
    found = [source.parent / name for name in TOKENIZER if (source.parent / name).is_file()]
    return {file.name: file.read_text(encoding="utf-8") for file in found if not file.name.endswith(".model")}


def _settings(held: Any) -> Any:
    """What a checkpoint without a config says about its model: the hyperparameters of Lightning, the arguments of
    fairseq."""
    plainly = plain(held)
    keys = ("hyper_parameters", "hparams", "args", "cfg", "config")
    return {key: plainly[key] for key in keys if isinstance(plainly, dict) and key in plainly}


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def _sentences(
    source: Path,
    key: str,
    tensors: Mapping[str, Tensor],
    dropped: Sequence[str],
    left_over: Sequence[str],
    unchecked: bool,
) -> tuple[str, ...]:
    numbers = sum(tensor.numel() for tensor in tensors.values())
    where = f" of {key!r}" if key else ""
    lines = [f"read: {len(tensors)} tensors, {numbers:,} numbers{where}, from {source.name}"]
    if dropped:
        lines.append(f"dropped by the table of names: {', '.join(dropped)}")
    if left_over:
        lines.append(f"left out, the model does not have: {', '.join(left_over)}")
    if unchecked:
        lines.append(
            "not checked: no config.json beside the file and no --config, so names and shapes are as they were"
        )
    return tuple(lines)


def _card(name: str, source: Path, how: Conversion, sentences: Sequence[str]) -> str:
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    licence = how.about.get("licence")
    return "\n".join(
        [
            "---",
            "library_name: transformers",
            *([f"license: {licence.lower()}"] if licence else []),
            "---",
            "",
            f"# {name}",
            "",
            "Weights of another program, converted by `adaptive-diffusion import`; no code of theirs was run.",
            "",
            *(f"- {key}: {value}" for key, value in how.about.items()),
            f"- file: {source.name}, sha256 {digest}",
            *(f"- {sentence}" for sentence in sentences),
            "",
        ]
    )
