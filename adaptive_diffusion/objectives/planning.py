"""Tell noise from tokens."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from adaptive_diffusion.objectives.scene import Objective, Scene


@dataclass(frozen=True)
class Uncorrupted(Objective):
    """Binary cross-entropy on "this token is no noise" at all editable positions, by the quality head: the planner of
    DDPD (Liu et al. 2024, arXiv 2410.06264). On the canvases `Corrupted`, which know what is noise; a noise token that
    happens to be the right one counts as noise, as in the paper.

    Raises:
        ValueError: a model without a quality head, or canvases that do not know.
    """

    weight: float = 1.0

    def __call__(self, scene: Scene) -> dict[str, Tensor]:
        if scene.model.quality is None:
            raise ValueError("Uncorrupted trains a quality head, but the model has none; add model.quality")
        if "noised" not in scene.state.carry:
            raise ValueError("Uncorrupted needs canvases that know what is noise; use training.corrupted.Corrupted")
        where = scene.state.editable
        clean = ~scene.state.carry["noised"][where]
        logit = scene.model.quality(scene.hidden[where])
        return {"uncorrupted": self.weight * F.binary_cross_entropy_with_logits(logit, clean.float())}
