"""``adaptive-diffusion train``."""

from typing import Any

from adaptive_diffusion.cli.options import options_of
from adaptive_diffusion.cli.run import run, run_stages


@options_of(run)
def train(**options: Any) -> None:
    """Train only: the stages of an experiment up to the last one that trains.

    A later 'run' of the same experiment goes on with evaluation and report.

    Examples:

        adaptive-diffusion train quickstart

        adaptive-diffusion train quickstart stages.denoiser.steps=100
    """
    run_stages(**options, training_only=True)
