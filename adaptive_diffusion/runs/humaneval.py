"""HumanEval-Infilling as an evaluation of a model of text."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from scipy.stats import binomtest

from adaptive_diffusion.config import ConfigSearch
from adaptive_diffusion.evaluation.program_tests import ProgramLimits, passes
from adaptive_diffusion.runs.device import Compute
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.tasks.text.humaneval import read_humaneval


def evaluate_humaneval(
    source: Path,
    file: Path,
    sampler: str,
    count: int | None = None,
    seed: int = 0,
    limits: ProgramLimits | None = None,
    allow: Sequence[str] = (),
    search: ConfigSearch | None = None,
    compute: Compute | None = None,
) -> dict[str, Any]:
    """The figures of a file: its rows, those too long for the model, forwards of a row, and `scores`.

    Args:
        source: the model, as in `load_trained_model`.
        file: as in `read_humaneval`; all of it is checked before the first forward.
        sampler: of ``configs/sampler``, with overrides.
        count: only so many rows, evenly spaced; None takes all.
        seed: keys the random draws.
        limits: of the programs; None runs no answer.
        allow, search, compute: as in `load_trained_model` and `TrainedModel.sampler`.

    Raises:
        ValueError: a model, sampler or file that cannot be used, or a `count` below 1.
    """
    if count is not None and count < 1:
        raise ValueError(f"{count} rows are nothing to measure; take at least 1")
    trained = load_trained_model(source, allow, compute)
    taken = read_humaneval(file, trained.task, limits is not None)
    if count is not None:
        taken = taken.spaced(count)
    with torch.inference_mode():
        result = trained.sampler(sampler, search).sample(taken.queries(), seed=seed)
    return {
        "rows": len(taken),
        "too_long": taken.too_long,
        "forwards": result.nfe.double().mean().item(),
        **scores(taken.rows, taken.written(result.answers), limits),
    }


def scores(rows: Sequence[Mapping[str, Any]], written: Sequence[str], limits: ProgramLimits | None) -> dict[str, Any]:
    """The share of answers that are the solution to the byte and, with limits, of those that pass their tests, with
    intervals over rows. An answer of blanks is not right in either."""
    pairs = [(row, answer) for row, answer in zip(rows, written, strict=True)]
    found = {"exact": share([answer == row["canonical_solution"] and bool(answer.strip()) for row, answer in pairs])}
    if limits is not None:
        found["passed"] = share(
            [bool(answer.strip()) and passes(program(row, answer), limits) for row, answer in pairs]
        )
    return found


def share(right: Sequence[bool]) -> dict[str, float]:
    """The share of answers that are right with its 95% interval (Wilson 1927), which is wide where rows are few, also
    where no answer is right."""
    test = binomtest(sum(right), len(right))
    low, high = test.proportion_ci(method="wilson")
    return {"value": float(test.statistic), "low": float(low), "high": float(high)}


def program(row: Mapping[str, Any], answer: str) -> str:
    """The program of an answer and its tests."""
    return f"{row['prompt']}{answer}{row.get('suffix', '')}\n{row['test']}\ncheck({row['entry_point']})\n"
