"""Small trained models that come with the package, each known by its name.

Each is a folder of `adaptive_diffusion/models_to_try`: an export and `figures.json`, which holds what the model reached
on the test problems of its task and its decisions on the first of them. `scripts/models_to_try.py` makes it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from adaptive_diffusion.storage.hub import WEIGHTS

FOLDER = Path(__file__).parents[1] / "models_to_try"
FIGURES = "figures.json"


@dataclass(frozen=True)
class ModelToTry:
    """A model that comes with the package.

    Attributes:
        name: its name, which stands wherever a run folder or a checkpoint may stand.
        folder: of its files.
        figures: the content of its `figures.json`.
    """

    name: str
    folder: Path
    figures: dict[str, Any]

    @property
    def size(self) -> int:
        """Bytes of its weights."""
        return (self.folder / WEIGHTS).stat().st_size

    def as_json(self) -> dict[str, Any]:
        """Plain values, without the decisions on single problems."""
        rest = {name: value for name, value in self.figures.items() if name != "first"}
        return {"name": self.name, "folder": str(self.folder), "bytes": self.size, **rest}


def models_to_try() -> tuple[ModelToTry, ...]:
    """All of them, in the order of their names."""
    files = sorted(FOLDER.glob(f"*/{FIGURES}"))
    return tuple(
        ModelToTry(file.parent.name, file.parent, json.loads(file.read_text(encoding="utf-8"))) for file in files
    )


def most_accurate() -> ModelToTry:
    """The one that is right most often on the test problems of its task."""
    return max(models_to_try(), key=lambda model: max(row["correct"] for row in model.figures["samplers"]))


def decisions(nfe: Tensor, answers: Tensor, correct: Tensor) -> dict[str, Any]:
    """What a sampler decided on N problems, to compare exactly.

    Args:
        nfe: forwards [N].
        answers: tokens [N, L].
        correct: 1 for a correct answer, else 0, [N].
    """
    tokens: Sequence[Sequence[int]] = answers.tolist()
    return {
        "nfe": nfe.tolist(),
        "correct": "".join(str(int(one)) for one in correct.tolist()),
        "answers_sha256": hashlib.sha256(json.dumps(tokens).encode()).hexdigest(),
    }
