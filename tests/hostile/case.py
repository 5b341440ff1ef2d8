"""What the cases of hostile files share."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from adaptive_diffusion.config import compose, instantiate, resolve

SHELL = "touch owned"
CODE = "open('owned', 'w').close()"
MODELS = "adaptive_diffusion.models"


@dataclass(frozen=True)
class Hostile:
    """A case: its name, the arguments of `adaptive-diffusion` from inside the folder, and a part of the refusal."""

    name: str
    command: tuple[str, ...]
    reason: str


def sound_model() -> tuple[dict[str, Any], dict[str, torch.Tensor], dict[str, Any]]:
    """Config, weights and task of an untrained 4×4 model that nothing is wrong with."""
    config = resolve(compose(None, ["+model@model=sudoku_4x4", "+task@task=sudoku_4x4"]))
    return config["model"], instantiate(config["model"]).state_dict(), config["task"]


def forge(path: Path, config: Any, tensors: dict[str, torch.Tensor], about: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = {name: value if isinstance(value, str) else json.dumps(value) for name, value in about.items()}
    config = config if isinstance(config, str) else json.dumps(config)
    save_file({name: value.clone() for name, value in tensors.items()}, path, {"config": config} | text)
