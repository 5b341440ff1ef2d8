"""A stage that measures whether learned halting spends steps where they pay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, ClassVar

import numpy as np
import torch

from adaptive_diffusion.config import instantiate
from adaptive_diffusion.evaluation.answers import ScoredAnswers, write_answers
from adaptive_diffusion.evaluation.budget import fit_to_budget
from adaptive_diffusion.evaluation.correlation import tie_ceiling
from adaptive_diffusion.evaluation.curves import Curves
from adaptive_diffusion.evaluation.halting_metrics import halting_summary, hindsight_oracle
from adaptive_diffusion.evaluation.intervals import bootstrap, mean, paired_difference, ratio_of_sums
from adaptive_diffusion.evaluation.risk_control import learn_then_test, quality_lost
from adaptive_diffusion.evaluation.rivals import rivalry
from adaptive_diffusion.runs.compare import build_sampler, compare_all
from adaptive_diffusion.runs.counterfactual_rollouts import stopping_table
from adaptive_diffusion.runs.dry_run import DryRun
from adaptive_diffusion.runs.halting_rules import Fitted, trials, tried_answers
from adaptive_diffusion.runs.stage import Stage, StageContext
from adaptive_diffusion.runs.stage import checkpoint as checkpoint_name
from adaptive_diffusion.runs.stages.halting_head import evenly_spaced, rollout_name, start
from adaptive_diffusion.runs.trained_model import TrainedModel, checkpoint_file, load_trained_model
from adaptive_diffusion.storage.checkpoint import load_checkpoint, read_header
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.training.rollouts import Rollouts

CONFIDENCE = 0.95
"""Of risk control."""


@dataclass(frozen=True)
class MeasureHalting(Stage):
    """Chooses settings on the validation split, judges them on the test splits, and writes `summary.json`.

    Attributes:
        checkpoint: the denoiser, a run folder or checkpoint; null is that of the last stage before this one.
        heads: stages whose heads are measured.
        policy: the one whose measures are given in full.
        baselines: samplers, as in `Evaluate`; they answer the queries of the rollouts.
        tried: samplers whose halting rules were tried while the rollouts were recorded, as in `Record`.
            The most accurate of baselines and tried rules on the validation split is the one to reach.
        separate: stages of heads trained for one price each, whose curve the policy's must follow.
        budgets: mean NFE that the policy is fitted to.
        risks: δ of risk control with confidence .95, by the policy and on the validation split.
        slack: by how much accuracy on the validation split may lie below the baseline's.
    """

    heads: Sequence[str]
    policy: str
    baselines: Mapping[str, Any]
    checkpoint: str | None = None
    tried: Mapping[str, Any] = field(default_factory=dict)
    separate: Sequence[str] = ()
    budgets: Sequence[float] = ()
    risks: Sequence[float] = (0.01, 0.02, 0.05)
    slack: float = 0.0
    seed: int = 0
    slots: int = 256
    trains: ClassVar[bool] = False
    sampler_fields: ClassVar[tuple[str, ...]] = ("baselines", "tried")

    def __post_init__(self) -> None:
        if self.policy not in [*self.heads, *self.separate]:
            raise ValueError(f"the policy {self.policy!r} is not among the heads, {', '.join(self.heads)}")

    def check(self, context: StageContext, dry_run: DryRun) -> None:
        for name in (*self.heads, *self.separate):
            dry_run.model(context, name)
        model = dry_run.model(context, None if self.checkpoint is None else str(checkpoint_file(self.checkpoint)))
        for one in self.baselines.values():
            build_sampler(instantiate(one["sampler"], context.allow), model)

    def __call__(self, context: StageContext) -> None:
        folder = context.folder
        files = {split: folder.file(rollout_name(split)) for split in ("validation", "test", "stratified_test")}
        splits = {split: Rollouts.load(file) for split, file in files.items() if file.is_file()}
        fitted = {split: self._predict(folder, rollouts) for split, rollouts in splits.items()}
        source = load_trained_model(start(context, self.checkpoint), folder.allow, context.compute)
        samplers = {name: source.build(one["sampler"]) for name, one in self.baselines.items()}
        known, settings = (
            self._rivals(context, source, samplers, split, splits[split]) for split in ("validation", "test")
        )
        best = max(known, key=lambda name: (known[name].quality.mean(), -known[name].nfe.mean()))
        policy = fitted["validation"][self.policy]
        setting = cheapest_reaching(policy, known[best].quality.mean() - self.slack)
        ours = fitted["test"][self.policy].at(setting)
        learned = [one for name in self.heads for one in fitted["test"][name].curve().values()]
        answers = [*learned, *settings.values()]
        with folder.atomic_write("answers.parquet") as path:
            write_answers(path, answers)
        curves = Curves([answers])
        found = rivalry(curves, self.heads)
        summary = {
            "task": source.task.name,
            "seed": self.seed,
            "heads": list(self.heads),
            "policy": self.policy,
            "setting": setting,
            "baseline": best,
            "nfe_ratio_to_baseline": bootstrap(ratio_of_sums, ours.nfe, settings[best].nfe).to_json(),
            "quality_difference": paired_difference(ours.quality, settings[best].quality).to_json(),
            "comparisons": {
                family: curves.compare(self.policy, family).to_json()
                for family in curves.families
                if family not in self.heads
            },
            "rivalry": None if found is None else found.to_json(),
            "run_to_the_end": self._run_to_the_end(fitted["test"][self.policy]),
            "oracle": self._oracle(fitted["test"][self.policy]),
            "risk_control": [self._risk(fitted, risk) for risk in self.risks],
            "test": self._measures(fitted["test"][self.policy], setting),
            "cost_aware_gap": self._gaps(fitted["test"]),
            "budgets": [self._budget(fitted, budget) for budget in self.budgets],
            "curves": {name: self._curve(one) for name, one in fitted["test"].items()},
            "baselines": [
                {"sampler": one.name, "family": one.family, "queries": len(one.query)} | means(one)
                for one in settings.values()
            ],
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

    def _rivals(
        self, context: StageContext, source: TrainedModel, samplers: dict[str, Any], split: str, rollouts: Rollouts
    ) -> dict[str, ScoredAnswers]:
        """The answers of the baselines and of the tried rules to the queries of a split's rollouts, by name."""
        problems = attrgetter(split)(source.data)
        problems = problems.take(evenly_spaced(len(problems), len(rollouts)))  # as `Record` took them
        families = {name: one["family"] for name, one in self.baselines.items()}
        options: dict[str, Any] = {"seed": self.seed, "slots": self.slots, "families": families}
        _, found = compare_all(samplers, source.task, problems, print, **options)
        tried = tried_answers(rollouts, trials(self.tried, context.allow), stopping_table(rollouts))
        return {**found, **{one.name: one for one in tried}}

    def _oracle(self, fitted: Fitted) -> dict[str, Any]:
        """A rule with hindsight, which gives up at once what is never right."""
        quality, cost = fitted.table.at(hindsight_oracle(fitted.table, fitted.rollouts.steps.numpy()))
        return {"correct": bootstrap(mean, quality).to_json(), "nfe_mean": bootstrap(mean, cost).to_json()}

    def _risk(self, fitted: dict[str, dict[str, Fitted]], risk: float) -> dict[str, Any]:
        """The boldest setting that is certified on the validation split, and what it loses and saves on the test one;
        the full budget where no setting is."""
        policy, settings = fitted["validation"][self.policy], fitted["validation"][self.policy].rule.settings

        def losses(one: Fitted, setting: float) -> np.ndarray:
            return quality_lost(one.table.at(one.rollouts.steps.numpy())[0], one.at(setting).quality)

        certified = learn_then_test((losses(policy, setting) for setting in settings), risk, CONFIDENCE)
        promised = {"risk": risk, "confidence": CONFIDENCE, "queries": certified.queries}
        if not certified.settings:
            return {**promised, "setting": None, "seen": 0.0, "cost_share": 1.0}
        setting, test = settings[certified.settings - 1], fitted["test"][self.policy]
        share = test.spent(setting).mean() / test.table.at(test.rollouts.steps.numpy())[1].mean()
        seen = float(losses(test, setting).mean())
        return {**promised, "setting": setting, "seen": seen, "cost_share": float(share)}

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
        return [{"setting": setting} | means(one) for setting, one in fitted.curve().items()]


def means(answers: ScoredAnswers) -> dict[str, float]:
    """Mean cost and mean quality."""
    return {"nfe_mean": float(answers.nfe.mean()), "correct": float(answers.quality.mean())}


def cheapest_reaching(fitted: Fitted, accuracy: float) -> float:
    """The setting of smallest mean NFE whose accuracy is at least this; the most accurate one where none is."""
    tried = [(setting, fitted.at(setting)) for setting in fitted.rule.settings]
    reaching = [one for one in tried if one[1].quality.mean() >= accuracy]
    if reaching:
        return min(reaching, key=lambda one: one[1].nfe.mean())[0]
    return max(tried, key=lambda one: (one[1].quality.mean(), -one[1].nfe.mean()))[0]
