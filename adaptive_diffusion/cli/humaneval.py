"""``adaptive-diffusion humaneval``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from adaptive_diffusion.cli.options import (
    AllowModule,
    ConfigDir,
    Device,
    Precision,
    Sampler,
    Seed,
    Source,
    allowed,
    announce,
    chosen_compute,
    config_search,
)


def humaneval(
    source: Source,
    file: Annotated[
        Path,
        typer.Argument(help="A file of HumanEval-Infilling, .jsonl, which may be gzip-compressed.", show_default=False),
    ],
    sampler: Sampler = "confidence",
    rows: Annotated[
        int | None, typer.Option(min=1, help="Only so many rows, evenly spaced.  \\[default: all]", show_default=False)
    ] = None,
    run_tests: Annotated[
        bool, typer.Option("--run-tests", help="Run each answer with its tests: this executes what the model wrote.")
    ] = False,
    seconds: Annotated[int, typer.Option(min=1, help="Time limit in seconds for the tests of one answer.")] = 5,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    config_dir: ConfigDir = None,
    allow_module: AllowModule = None,
) -> None:
    """Evaluate a model of text on HumanEval-Infilling: exact answers, and answers that pass their tests. Prints JSON.

    The length of the solution is given. With --run-tests each answer runs in a process with limits of time and memory.
    These are no sandbox, so run it where this may do no harm. An answer of blanks is wrong.

    Examples:

        adaptive-diffusion humaneval runs/text HumanEval-SingleLineInfilling.jsonl.gz --sampler mdlm

        adaptive-diffusion humaneval runs/text HumanEval-SingleLineInfilling.jsonl.gz --rows 100 --run-tests
    """
    from adaptive_diffusion.evaluation.program_tests import ProgramLimits
    from adaptive_diffusion.runs.humaneval import evaluate_humaneval

    search, compute, allow = config_search(config_dir), chosen_compute(device, precision), allowed(allow_module)
    announce(compute)
    limits = ProgramLimits(seconds=seconds) if run_tests else None
    found = evaluate_humaneval(source, file, sampler, rows, seed, limits, allow, search, compute)
    typer.echo(json.dumps(found, indent=1))
