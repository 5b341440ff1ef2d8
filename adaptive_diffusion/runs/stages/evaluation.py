"""A stage that compares samplers on unseen queries."""

import shutil
from dataclasses import dataclass
from typing import Any, ClassVar

from adaptive_diffusion.analysis.table import print_tables
from adaptive_diffusion.analysis.tables import summary_table
from adaptive_diffusion.config import instantiate
from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.correlation import spearman, tie_ceiling
from adaptive_diffusion.evaluation.curves import Curves
from adaptive_diffusion.evaluation.intervals import paired_difference
from adaptive_diffusion.evaluation.rivals import rivalry
from adaptive_diffusion.runs.compare import TRACE, build_sampler, chief_difficulty, compare, compare_all
from adaptive_diffusion.runs.counterfactual_rollouts import (
    check_counterfactual_rollouts,
    record_counterfactual_rollouts,
)
from adaptive_diffusion.runs.dry_run import DryRun, check_vocabulary
from adaptive_diffusion.runs.engine import Engine, Here, Processes
from adaptive_diffusion.runs.stage import Stage, StageContext
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.storage.manifest import cores


@dataclass(frozen=True)
class Evaluate(Stage):
    """Runs every sampler on the same test queries and writes `summary.json`, with traces beside it, and the policy once
    more past its halting points (`runs.counterfactual_rollouts`). After an interruption, samplers that had finished are
    not run again.

    Attributes:
        data: node of the task data with `test` and, where difficulty varies enough, `stratified_test`.
        samplers: of configs/sampler, with overrides: `[confidence, "threshold pace.threshold=0.8,0.9"]`, or name →
            sampler.
        checkpoint: the stage whose model answers, or a checkpoint file; null is the last stage before that trained.
        policy: the sampler whose halting is compared with chance, and its accuracy with that of `reference`; null for
            neither. Learned rules are compared with rules without learning in any case (`evaluation.rivals`).
        reference: the careful sampler the policy's accuracy is compared with.
        seed, slots: of sampling.
        workers: processes of one thread, each with one sampler at a time; null is one per core on a CPU, and this
            process alone on a GPU.
    """

    data: dict[str, Any]
    samplers: dict[str, Any]
    checkpoint: str | None = None
    policy: str | None = "learned"
    reference: str = "confidence"
    seed: int = 0
    slots: int = 256
    workers: int | None = None
    trains: ClassVar[bool] = False
    sampler_fields: ClassVar[tuple[str, ...]] = ("samplers",)

    def __post_init__(self) -> None:
        if self.policy is not None and self.policy not in self.samplers:
            raise ValueError(
                f"the policy {self.policy!r} is not among the samplers, {', '.join(self.samplers)}; name one of them, "
                "or policy=null for no comparison"
            )

    def check(self, context: StageContext, dry_run: DryRun) -> None:
        model = dry_run.model(context, self.checkpoint)
        check_vocabulary(model, dry_run.data(self.data).task)
        for name, one in self.samplers.items():
            try:
                sampler = build_sampler(instantiate(one["sampler"], context.allow), model)
            except ValueError as error:
                raise ValueError(f"sampler {name}: {error}") from error
            if name == self.policy:
                try:
                    check_counterfactual_rollouts(sampler)
                except ValueError as error:
                    raise ValueError(f"the policy {name!r}: {error}, or policy=null for no comparison") from error

    def __call__(self, context: StageContext) -> None:
        folder, resume = context.folder, context.resume
        data = instantiate(self.data, context.allow)
        source = load_trained_model(context.checkpoint(self.checkpoint), context.allow, context.compute)
        samplers = {name: source.build(one["sampler"]) for name, one in self.samplers.items()}
        families = {name: one["family"] for name, one in self.samplers.items()}
        rows, settings = compare_all(
            samplers, data.task, data.test, print, self.seed, self.slots, resume, self._engine(context), families
        )
        with folder.atomic_write("traces") as traces:
            traces.mkdir()
            for name in samplers:
                shutil.copytree(resume / name / TRACE, traces / name)
        summary: dict[str, Any] = {"task": data.task.name, "seed": self.seed, "samplers": rows}
        summary |= self._compared(rows, settings)
        if self.policy is not None:
            chosen = samplers[self.policy]
            record_counterfactual_rollouts(folder, self.policy, chosen, data.task, data.test, self.seed, self.slots)
            if data.stratified_test is not None:
                summary["stratified"] = self._stratified(data, chosen)
        folder.write_json("summary.json", summary)
        print_tables([summary_table(rows, data.task.columns)])
        for sentence in sentences(summary):
            print(sentence)

    def _engine(self, context: StageContext) -> Engine:
        workers = self.workers or (cores() if context.device.type == "cpu" else 1)
        return Processes(workers) if workers > 1 else Here()

    def _compared(self, rows: list[dict[str, Any]], settings: dict[str, ScoredAnswers]) -> dict[str, Any]:
        """Learned rules against rules without learning, and the policy against the careful sampler; empty where
        nothing decides whether answers are correct."""
        if not all(one.judged for one in settings.values()):
            return {}
        learned = {row["family"] for row in rows if row["heads"]}
        found: dict[str, Any] = {}
        if rivals := rivalry(Curves([list(settings.values())]), sorted(learned)):
            found["comparison"] = rivals.to_json()
        if self.policy is not None and self.reference in settings:
            policy, reference = settings[self.policy], settings[self.reference]
            found["reference"] = {
                "policy": self.policy,
                "reference": self.reference,
                "difference": paired_difference(policy.quality, reference.quality).to_json(),
                "nfe_share": float(policy.nfe.mean() / reference.nfe.mean()),
            }
        return found

    def _stratified(self, data: Any, policy: Sampler) -> dict[str, Any]:
        """Whether steps rise with difficulty, on equal parts of easy and hard queries."""
        problems = data.stratified_test
        row, setting = compare(str(self.policy), policy, data.task, problems, self.seed, self.slots)
        difficulty = chief_difficulty(data.task, problems).numpy()
        rho = spearman(difficulty, setting.nfe)
        return {
            **row,
            "difficulty": data.task.difficulties[0].title if data.task.difficulties else "difficulty",
            "spearman": rho.to_json(),
            "tie_ceiling": tie_ceiling(difficulty, setting.nfe),
        }


def sentences(summary: dict[str, Any]) -> list[str]:
    """The comparison in words, a sentence per figure."""
    written = []
    if found := summary.get("comparison"):
        gain, ratio = found["accuracy_gain_at_equal_cost"], found["cost_ratio_at_equal_accuracy"]
        near, (low, high) = found["cost_ratio_half_a_point_lower"], found["costs"]
        costs = f"{low:.2f} NFE" if low == high else f"{low:.2f} to {high:.2f} NFE"
        written.append(
            f"The best learned rule, {found['best_learned']}, against the best without learning, "
            f"{found['best_unlearned']}: {_signed(gain)} points at equal cost ({costs}); {ratio['value']:.2f}"
            f"{_between(ratio)} times its NFE at equal accuracy, {100 * found['accuracy']:.1f}%; {near['value']:.2f}"
            f"{_between(near)} times at half a point less."
        )
    if found := summary.get("reference"):
        over = 100 * found["difference"]["value"]
        apart = f"is {abs(over):.2f} points {'below' if over < 0 else 'above'} it"
        written.append(
            f"{found['policy']} uses {100 * found['nfe_share']:.0f}% of the NFE of {found['reference']} and "
            f"{'is as accurate' if round(over, 2) == 0 else apart}."
        )
    if (part := summary.get("stratified")) and (rho := part["spearman"])["value"] is not None:
        written.append(
            f"NFE against {part['difficulty']}: Spearman's ρ {rho['value']:.2f} ({rho['low']:.2f} to "
            f"{rho['high']:.2f}; ties allow at most {part['tie_ceiling']:.2f}) on {part['queries']} stratified queries."
        )
    return written


def _signed(interval: dict[str, float | None]) -> str:
    return f"{100 * (interval['value'] or 0):+.2f}{_between(interval, 100)}"


def _between(interval: dict[str, float | None], scale: float = 1) -> str:
    low, high = interval["low"], interval["high"]
    return "" if low is None or high is None else f" ({scale * low:.2f} to {scale * high:.2f})"
