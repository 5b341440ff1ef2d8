"""Models: trained ones from a disk or the hub, and a module of your own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import nn

from adaptive_diffusion.models.head import Head
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.tasks.task import Task


def load(source: Path | str, revision: str | None = None, allow: Sequence[str] = ()) -> DenoiserWithHeads:
    """A trained model in evaluation mode, with its heads and, as `task`, the task it was trained for.

    Example:
        model = ad.load("runs/quickstart")
        sampler = ad.Sampler(model, pace=ad.pace.Threshold(0.95))

    Args:
        source: a run folder (the newest checkpoint counts), a checkpoint file, an exported folder, a name of
            `adaptive-diffusion models`, or OWNER/NAME on the Hugging Face hub.
        revision: commit, branch or tag on the hub.
        allow: modules whose classes the config of the checkpoint may name, such as the one with your own task.

    Raises:
        ValueError: nothing of this name, or a checkpoint that is refused.
        ModuleNotFoundError: a name on the hub, while the extra `pretrained` is not installed.
    """
    from adaptive_diffusion.runs.trained_model import load_trained_model

    trained = load_trained_model(source, allow, revision=revision)
    trained.model.task = trained.task
    return trained.model


def wrap(module: nn.Module, heads: Mapping[str, Head] | None = None, task: Task | None = None) -> DenoiserWithHeads:
    """A denoiser of your own as a model that samplers and trainings take.

    Example:
        model = ad.wrap(MyDenoiser(), heads={"quality": QualityHead(64)}, task=MyTask())

    Args:
        module: a module with the attributes and methods of `core.denoiser.Denoiser`.
        heads: name → head.
        task: what it is for.

    Raises:
        ValueError: a module that is no denoiser, naming what it lacks, or that has fewer tokens than the task.
    """
    model = DenoiserWithHeads(module, heads)
    if task is not None and model.vocabulary < task.vocabulary:
        raise ValueError(
            f"{type(module).__name__} predicts {model.vocabulary} tokens, but {task.name} has {task.vocabulary}"
        )
    model.task = task
    return model
