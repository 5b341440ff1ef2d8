"""A stage that measures whether learned halting spends steps where they pay."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from adaptive_diffusion.config import instantiate
from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.budget import fit_to_budget
from adaptive_diffusion.evaluation.correlation import tie_ceiling
from adaptive_diffusion.evaluation.curves import Curves
from adaptive_diffusion.evaluation.halting_metrics import StoppingTable, halting_summary
from adaptive_diffusion.evaluation.intervals import bootstrap, mean, paired_difference, ratio_of_sums
from adaptive_diffusion.rules.learned_halting import HeadHalting
from adaptive_diffusion.runs.compare import compare_all
from adaptive_diffusion.runs.counterfactual_rollouts import stopping_table
from adaptive_diffusion.runs.dry_run import DryRun
from adaptive_diffusion.runs.stage import Stage, StageContext
from adaptive_diffusion.runs.stage import checkpoint as checkpoint_name
from adaptive_diffusion.runs.stages.halting_head import rollout_name
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.storage.checkpoint import load_checkpoint, read_header
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.training.rollouts import Rollouts

STRIDE = 4
"""Settings of a rule from one point of its curve to the next."""


@dataclass(frozen=True)
class Fitted:
    """A halting rule whose head has looked at recorded rollouts: every setting can be tried without a forward."""

    name: str
    rule: HeadHalting
    rollouts: Rollouts
    head_output: Tensor

    @cached_property
    def table(self) -> StoppingTable:
        """What each query would answer and have cost if it were stopped after each step."""
        return stopping_table(self.rollouts)

    def stops(self, setting: float) -> tuple[Tensor, Tensor]:
        """Steps [N] and the probability predicted there [N]."""
        return self.rollouts.halted(self.rule.with_threshold(setting), self.head_output)

    def spent(self, setting: float) -> np.ndarray:
        """NFE [N]."""
        return self.rollouts.spent(self.stops(setting)[0]).numpy()

    def at(self, setting: float) -> ScoredAnswers:
        """Cost and quality of each answer."""
        quality, cost = self.table.at(self.stops(setting)[0].numpy())
        return ScoredAnswers(self.name, self.name, self.rollouts.query.numpy(), cost, quality)


@dataclass(frozen=True)
class MeasureHalting(Stage):
    """Chooses settings on the validation split, judges them on the test splits, and writes `summary.json`.

    Attributes:
        checkpoint: the denoiser.
        heads: stages whose heads are measured.
        policy: the one whose measures are given in full.
        baselines: samplers, as in `Evaluate`; the most accurate on the validation split is the one to reach.
        separate: stages of heads trained for one price each, whose curve the policy's must follow.
        budgets: mean NFE that the policy is fitted to.
        slack: by how much accuracy on the validation split may lie below the baseline's.
    """

    checkpoint: str
    heads: Sequence[str]
    policy: str
    baselines: Mapping[str, Any]
    separate: Sequence[str] = ()
    budgets: Sequence[float] = ()
    slack: float = 0.0
    seed: int = 0
    slots: int = 256
    trains: ClassVar[bool] = False
    sampler_fields: ClassVar[tuple[str, ...]] = ("baselines",)

    def __post_init__(self) -> None:
        if self.policy not in [*self.heads, *self.separate]:
            raise ValueError(f"the policy {self.policy!r} is not among the heads, {', '.join(self.heads)}")

    def check(self, context: StageContext, dry_run: DryRun) -> None:
        for name in (*self.heads, *self.separate):
            dry_run.model(context, name)
        source = load_trained_model(Path(self.checkpoint), context.allow)
        for one in self.baselines.values():
            source.build(one["sampler"])

    def __call__(self, context: StageContext) -> None:
        folder = context.folder
        files = {split: folder.file(rollout_name(split)) for split in ("validation", "test", "stratified_test")}
        splits = {split: Rollouts.load(file) for split, file in files.items() if file.is_file()}
        fitted = {split: self._predict(folder, rollouts) for split, rollouts in splits.items()}
        source = load_trained_model(Path(self.checkpoint), folder.allow, context.compute)
        samplers = {name: source.build(one["sampler"]) for name, one in self.baselines.items()}
        options: dict[str, Any] = {"seed": self.seed, "slots": self.slots}
        seen, known = compare_all(samplers, source.task, source.data.validation, print, **options)
        families = {name: one["family"] for name, one in self.baselines.items()}
        rows, settings = compare_all(samplers, source.task, source.data.test, print, **options, families=families)
        best = max(seen, key=lambda row: (row["correct"], -row["nfe_mean"]))["sampler"]
        policy = fitted["validation"][self.policy]
        setting = cheapest_reaching(policy, known[best].quality.mean() - self.slack)
        ours = fitted["test"][self.policy].at(setting)
        summary = {
            "policy": self.policy,
            "setting": setting,
            "baseline": best,
            "nfe_ratio_to_baseline": bootstrap(ratio_of_sums, ours.nfe, settings[best].nfe).to_json(),
            "quality_difference": paired_difference(ours.quality, settings[best].quality).to_json(),
            "comparisons": self._comparisons(fitted["test"][self.policy], settings.values()),
            "run_to_the_end": self._run_to_the_end(fitted["test"][self.policy]),
            "test": self._measures(fitted["test"][self.policy], setting),
            "cost_aware_gap": self._gaps(fitted["test"]),
            "budgets": [self._budget(fitted, budget) for budget in self.budgets],
            "curves": {name: self._curve(one) for name, one in fitted["test"].items()},
            "baselines": rows,
        }
        if "stratified_test" in fitted:
            summary["stratified"] = self._measures(fitted["stratified_test"][self.policy], setting)
        folder.write_json("summary.json", summary)
        print(
            f"  {self.policy} at {setting:.4g}: {ours.quality.mean():.1%} at {ours.nfe.mean():.2f} NFE, against {best}"
        )

    def _predict(self, folder: RunFolder, rollouts: Rollouts) -> dict[str, Fitted]:
        found = {}
        for name in dict.fromkeys([*self.heads, *self.separate]):
            file = folder.file(checkpoint_name(name))
            objective = instantiate(read_header(file).about["objective"], folder.allow, ("objectives",))
            part = f"heads.{objective.rule().needs_head}"
            head: Any = load_checkpoint(file, folder.allow).get_submodule(part)
            with torch.inference_mode():
                head_output = torch.cat([head.predict(part) for part in rollouts.observation.split(4096)])
            found[name] = Fitted(name, objective.rule(head), rollouts, head_output)
        return found

    def _measures(self, fitted: Fitted, setting: float) -> dict[str, Any]:
        steps, probability = (values.numpy() for values in fitted.stops(setting))
        difficulty = fitted.rollouts.difficulty.numpy()
        found = halting_summary(fitted.table, steps, probability, difficulty, self.seed)
        ceiling = tie_ceiling(difficulty, fitted.table.at(steps)[1])
        intervals = {name: interval.to_json() for name, interval in found.items()}
        return {**intervals, "tie_ceiling": None if np.isnan(ceiling) else ceiling}

    def _comparisons(self, fitted: Fitted, baselines: Iterable[ScoredAnswers]) -> dict[str, Any]:
        """The policy over its settings against the curve of each baseline's family."""
        ours = [fitted.at(setting) for setting in fitted.rule.settings[::STRIDE]]
        named = [replace(one, name=f"{one.name} {number}") for number, one in enumerate(ours)]
        curves = Curves([[*named, *baselines]])
        others = [family for family in curves.families if family != fitted.name]
        return {family: curves.compare(fitted.name, family).to_json() for family in others}

    def _run_to_the_end(self, fitted: Fitted) -> dict[str, Any]:
        quality, cost = fitted.table.at(fitted.rollouts.steps.numpy())
        return {"correct": bootstrap(mean, quality).to_json(), "nfe_mean": bootstrap(mean, cost).to_json()}

    def _gaps(self, fitted: dict[str, Fitted]) -> list[dict[str, Any]]:
        """Accuracy of a head trained for one price minus the policy's at that price."""
        gaps = []
        for name in self.separate:
            price = fitted[name].rule.price  # type: ignore[attr-defined]
            alone, ours = fitted[name].at(price), fitted[self.policy].at(price)
            gap = paired_difference(alone.quality, ours.quality).to_json()
            means = {"nfe_alone": float(alone.nfe.mean()), "nfe": float(ours.nfe.mean())}
            gaps.append({"price": price, **means, "gap": gap})
        return gaps

    def _budget(self, fitted: dict[str, dict[str, Fitted]], budget: float) -> dict[str, Any]:
        policy = fitted["validation"][self.policy]
        found = fit_to_budget(policy.spent, policy.rule.settings, budget)
        spent = bootstrap(mean, fitted["test"][self.policy].spent(found.setting)).to_json()
        return {"budget": budget, "setting": found.setting, "validation": found.nfe_mean, "test": spent}

    def _curve(self, fitted: Fitted) -> list[dict[str, float]]:
        settings = [fitted.at(setting) for setting in fitted.rule.settings[::STRIDE]]
        return [
            {"setting": setting, "nfe_mean": float(one.nfe.mean()), "correct": float(one.quality.mean())}
            for setting, one in zip(fitted.rule.settings[::STRIDE], settings, strict=True)
        ]


def cheapest_reaching(fitted: Fitted, accuracy: float) -> float:
    """The setting of smallest mean NFE whose accuracy is at least this; the most accurate one where none is."""
    tried = [(setting, fitted.at(setting)) for setting in fitted.rule.settings]
    reaching = [one for one in tried if one[1].quality.mean() >= accuracy]
    if reaching:
        return min(reaching, key=lambda one: one[1].nfe.mean())[0]
    return max(tried, key=lambda one: (one[1].quality.mean(), -one[1].nfe.mean()))[0]
