"""``adaptive-diffusion train``."""

from adaptive_diffusion.cli.options import AllowModule, Experiment, Folder, Overrides, Update
from adaptive_diffusion.cli.run import run_stages


def train(
    experiment: Experiment,
    overrides: Overrides = None,
    folder: Folder = None,
    update: Update = False,
    allow_module: AllowModule = None,
) -> None:
    """Train only: the stages of an experiment up to the last one that trains.

    A later 'run' of the same experiment goes on with evaluation and report.

    Examples:

        adaptive-diffusion train quickstart

        adaptive-diffusion train quickstart stages.denoiser.steps=100
    """
    run_stages(experiment, overrides, folder, update, allow_module, training_only=True)
