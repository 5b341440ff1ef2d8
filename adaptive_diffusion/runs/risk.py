"""The setting of a sampler that keeps a promise about what stopping early loses."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from adaptive_diffusion.evaluation.risk_control import (
    check,
    conformal_risk_control,
    learn_then_test,
    quality_lost,
    queries_needed,
)
from adaptive_diffusion.rules.calibrated import CalibratedParameter
from adaptive_diffusion.runs.sampled import SLOTS, Sampled, sampled_pieces
from adaptive_diffusion.tasks.task import Task


@dataclass(frozen=True)
class Promise:
    """What stopping early may lose at most.

    The loss of a query is the score of its answer at the full budget minus that of its answer, at least 0: where a task
    does not grade its answers, 1 for an answer made wrong by stopping early.

    Attributes:
        risk: δ, the largest expected loss.
        confidence: 1 − α, with which it holds (Learn-then-Test); None where it holds in expectation over the
            calibration too (conformal risk control).

    Raises:
        ValueError: risk or confidence outside (0, 1).
    """

    risk: float
    confidence: float | None = 0.95

    def __post_init__(self) -> None:
        check(self.risk, 0.5 if self.confidence is None else self.confidence)

    def __str__(self) -> str:
        sure = "in expectation" if self.confidence is None else f"with confidence {self.confidence:g}"
        return f"stopping early loses at most {100 * self.risk:g}% of the answers, {sure}"


@dataclass(frozen=True)
class Chosen:
    """The setting that calibration chose.

    Attributes:
        parameter: its name, such as "halting.threshold".
        setting: its value; None is the full budget, where no setting can be certified.
        promise: what is promised.
        queries: how many problems it was calibrated on.
        seen: the mean loss on them.
        nfe, nfe_full: mean forwards on them, at the setting and at the full budget; None where none was sampled,
            because there are too few problems for any setting.
    """

    parameter: str
    setting: float | None
    promise: Promise
    queries: int
    seen: float
    nfe: float | None
    nfe_full: float | None

    def __str__(self) -> str:
        on = f"{self.queries:,} calibration problems"
        if self.setting is None:
            needed = "" if self.promise.confidence is None else f" ({self._needed():,} without any loss are needed)"
            spent = "" if self.nfe_full is None else f", {self.nfe_full:.2f} mean NFE"
            return f"no setting of {self.parameter} can be certified on {on}{needed}; the full budget is used{spent}"
        return (
            f"{self.parameter}={self.setting:g}: {self.promise}; {100 * self.seen:.2f}% were lost on {on}, at "
            f"{self.nfe:.2f} mean NFE instead of {self.nfe_full:.2f}"
        )

    def _needed(self) -> int:
        assert self.promise.confidence is not None
        return queries_needed(self.promise.risk, self.promise.confidence)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**vars(self), "promise": vars(self.promise)}


def calibrated_parameter(sampler: Any) -> CalibratedParameter:
    """What is calibrated, after the sampler was built at every setting of it, which takes no forward.

    Raises:
        ValueError: a sampler without a calibrated parameter, or a setting that its rule refuses.
    """
    if sampler.calibrated is None:
        raise ValueError(
            "this sampler declares no `calibrated` parameter; name one in its config, as configs/sampler/learned.yaml "
            "does, or leave out --risk"
        )
    for setting in (None, *sampler.calibrated.settings):
        sampler.at_setting(setting)
    return sampler.calibrated


def choose(
    sampler: Any,
    task: Task,
    problems: Any,
    promise: Promise,
    seed: int = 0,
    slots: int = SLOTS,
    say: Callable[[str], None] = lambda _: None,
) -> Chosen:
    """The setting of a sampler's calibrated parameter that stops earliest and keeps a promise. The problems are sampled
    at one setting after another, from the one that stops latest to the one that stops earliest, until one fails.
    Nothing is sampled where the problems are too few to certify any setting.

    Args:
        sampler: declares `calibrated`.
        task, problems: what it is calibrated on; the promise holds for problems of the same kind.
        promise: what stopping may lose.
        seed, slots: of sampling.
        say: is given the name of each setting before it is sampled, "full budget" first.

    Raises:
        ValueError: as `calibrated_parameter`; or a task that cannot decide which answers are right.
    """
    calibrated = calibrated_parameter(sampler)
    parameter = f"{calibrated.role}.{calibrated.name}"
    if promise.confidence is not None and len(problems) < queries_needed(promise.risk, promise.confidence):
        return Chosen(parameter, None, promise, len(problems), 0.0, None, None)

    def sampled(setting: float | None) -> Sampled:
        say("full budget" if setting is None else f"{parameter}={setting:g}")
        with torch.inference_mode():
            tried = sampler.at_setting(setting)
            (found,) = sampled_pieces("calibration", tried, task, problems, seed=seed, slots=slots, piece=None)
            return found

    full = sampled(None)
    spent: list[float] = []

    def losses() -> Iterator[np.ndarray]:
        for setting in calibrated.settings:
            found = sampled(setting)
            spent.append(float(found.result.nfe.double().mean()))
            yield quality_lost(_quality(task, full), _quality(task, found))

    if promise.confidence is None:
        certified = conformal_risk_control(losses(), promise.risk)
    else:
        certified = learn_then_test(losses(), promise.risk, promise.confidence)
    nfe_full, number = float(full.result.nfe.double().mean()), certified.settings - 1
    setting, nfe = (calibrated.settings[number], spent[number]) if number >= 0 else (None, nfe_full)
    return Chosen(parameter, setting, promise, certified.queries, certified.seen, nfe, nfe_full)


def _quality(task: Task, found: Sampled) -> np.ndarray:
    quality = found.grades["score" if task.headline == "score" else "correct"].double().numpy()
    if np.isnan(quality).any():
        raise ValueError(f"{task.name} cannot decide which answers are right, so what stopping loses is not known")
    return quality
