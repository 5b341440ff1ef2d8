"""A stage that measures how many answers are right after one forward."""

from dataclasses import dataclass
from typing import Any

from adaptive_diffusion.rules.pace import FixedSteps
from adaptive_diffusion.runs.stage import Stage, StageContext
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.sampler import Sampler


@dataclass(frozen=True)
class OneForward(Stage):
    """Writes `one_forward.json`: the share of the first `problems` validation problems that one forward answers."""

    problems: int = 200

    def check(self, context: StageContext, dry_run) -> None:
        if self.problems < 1:
            raise ValueError(f"problems={self.problems} measures nothing; give at least 1")
        dry_run.model(context, None)  # refuses a run in which no earlier stage writes a checkpoint

    def __call__(self, context: StageContext) -> dict[str, Any]:
        source = load_trained_model(context.checkpoint(), context.allow, context.compute)
        problems = source.data.validation.take(slice(self.problems))
        result = Sampler(source.model, pace=FixedSteps(1)).sample(source.task.queries(problems))
        found = {"correct": float(source.task.correct(result.answers, problems).double().mean())}
        context.folder.write_json("one_forward.json", found)
        return found
