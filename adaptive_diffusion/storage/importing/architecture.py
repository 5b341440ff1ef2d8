"""Weights held against the model of a config: which fit, which are missing, which are left over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from adaptive_diffusion.models.pretrained.loading import extra

MOST_LISTED = 8


@dataclass(frozen=True)
class Fit:
    """Weights that fill a model.

    Attributes:
        tensors: name → weight; of weights that the model shares, one.
        left_over: names that the model does not have, with their shapes.
    """

    tensors: dict[str, Tensor]
    left_over: tuple[str, ...]


def fit(weights: Mapping[str, Tensor], model: nn.Module, source: Path) -> Fit:
    """Fits weights to a model by names and shapes; the model itself is not changed and may lie on the device `meta`.

    Args:
        weights: by the names of the model.
        source: of the weights, for messages.

    Raises:
        ValueError: weights that are missing, have other shapes, or differ where the model shares them; they are listed.
    """
    wanted: dict[str, Tensor] = dict(model.state_dict(keep_vars=True))
    groups: dict[int, list[str]] = {}
    for name, tensor in wanted.items():
        groups.setdefault(id(tensor), []).append(name)
    found: dict[str, Tensor] = {}
    wrong: list[str] = []
    for names in groups.values():
        given = {name: weights[name] for name in names if name in weights}
        problem = _problem(names[0], list(wanted[names[0]].shape), given)
        if problem:
            wrong.append(problem)
        else:
            found[names[0]] = next(iter(given.values()))
    left_over = tuple(f"{name} {list(weights[name].shape)}" for name in weights if name not in wanted)
    if wrong:
        unknown = f"\nthe model does not have:{_lines(left_over)}" if left_over else ""
        raise ValueError(
            f"{source} does not fit the config:{_lines(wrong)}{unknown}\nMap names with --names FILE, lines such as  "
            "encoder.layers.*: encoder.layer.*"
        )
    return Fit(found, left_over)


def _problem(name: str, shape: list[int], given: Mapping[str, Tensor]) -> str | None:
    """What is wrong with the weights of one parameter, by its names; None where they fit."""
    if not given:
        return f"{name} {shape} is missing"
    first = next(iter(given.values()))
    for other, tensor in given.items():
        if list(tensor.shape) != shape:
            return f"{other} is {list(tensor.shape)}, the config needs {shape}"
        if not torch.equal(tensor, first):
            return f"{other} differs from {next(iter(given))}, which the model shares with it"
    return None


def without_memory(config: Mapping[str, Any]) -> Any:
    """The masked language model of `transformers` that a config describes, on the device `meta`.

    Args:
        config: with `model_type`.

    Raises:
        ValueError: a config of no masked language model of `transformers`, or one that names code of its own.
        ModuleNotFoundError: without the extra `pretrained`.
    """
    transformers = extra("transformers")
    kind = config.get("model_type")
    if config.get("auto_map"):
        raise ValueError("the config names code of its own (auto_map), which is not run; take a model of transformers")
    if not isinstance(kind, str) or kind not in transformers.CONFIG_MAPPING:
        raise ValueError(
            f"the config's model_type is {kind!r}, which is no model of transformers {transformers.__version__}"
        )
    settings = {key: value for key, value in config.items() if key not in ("model_type", "transformers_version")}
    try:
        described = transformers.AutoConfig.for_model(kind, **settings)
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            return transformers.AutoModelForMaskedLM.from_config(described, trust_remote_code=False)
    except Exception as error:  # constructors may fail in any way on values from an untrusted file
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"the config describes no masked language model of transformers: {first}") from error


def full_config(model: Any) -> dict[str, Any]:
    """The complete config of a model of `transformers`, plain values."""
    return {**model.config.to_dict(), "architectures": [type(model).__name__]}


def _lines(items: Sequence[str]) -> str:
    more = [f"and {len(items) - MOST_LISTED} more"] if len(items) > MOST_LISTED else []
    return "".join(f"\n  {item}" for item in [*items[:MOST_LISTED], *more])
