"""A stage that measures bits per byte on held-out text."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any, ClassVar

import numpy as np
import torch

from adaptive_diffusion.config import instantiate
from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.loss_inputs import LossInputs
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.evaluation.intervals import bootstrap, ratio_of_sums
from adaptive_diffusion.objectives.objective import Objective
from adaptive_diffusion.runs.dry_run import DryRun, check_vocabulary
from adaptive_diffusion.runs.stage import Stage, StageContext
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.sampling.models import device_of
from adaptive_diffusion.tasks.text.packing import Windows
from adaptive_diffusion.training.training_states import TrainingStates, evaluated_state

BATCHES = 8


@dataclass(frozen=True)
class BitsPerByte(Stage):
    """Writes `bits_per_byte.json`, a row a model: exact for an autoregressive one, a bound from above for diffusion.

    Attributes:
        data: node of text data (`TextDataModule`).
        models: name → `{stage, training_states, objective}`: whose checkpoint, on which states, and the objective
            that gives nats per token on them (`ForwardProcess` and `LikelihoodBound`, `CleanSequences` and
            `Denoising`). Nats of `below`, a further `{training_states, objective}`, are added: a `Reconstruction` below
            the smallest level of the bound, which noise other than masks needs.
        split: whose windows.
        passes: noise draws of each window.
        rows: windows at once, at most; the levels of a bound are spread evenly over them.
    """

    data: dict[str, Any]
    models: dict[str, dict[str, Any]]
    split: str = "test"
    passes: int = 1
    rows: int = 32
    seed: int = 0
    trains: ClassVar[bool] = False

    def check(self, context: StageContext, dry_run: DryRun) -> None:
        task = dry_run.data(self.data).task
        for parts in self.models.values():
            check_vocabulary(dry_run.model(context, parts["stage"]), task)

    def __call__(self, context: StageContext) -> None:
        data = instantiate(self.data, context.allow)
        windows, found = data.windows(self.split), []
        for name, parts in self.models.items():
            model = load_trained_model(context.checkpoint(parts["stage"]), context.allow, context.compute).model
            terms = [
                (instantiate(term["training_states"], context.allow), instantiate(term["objective"], context.allow))
                for term in (parts, parts.get("below"))
                if term is not None
            ]
            nats, sizes = self._measured(model, terms, data, windows)
            interval = bootstrap(ratio_of_sums, nats / log(2), sizes)
            found.append(
                {
                    "model": name,
                    "bits_per_byte": interval.value,
                    "low": interval.low,
                    "high": interval.high,
                    "parameters": sum(parameter.numel() for parameter in model.parameters()),
                    "bytes": int(sizes.sum()),
                    "passes": self.passes,
                }
            )
            print(f"  {name}: {interval.value:.3f} bits per byte ({interval.low:.3f} to {interval.high:.3f})")
        context.folder.write_json("bits_per_byte.json", {"split": self.split, **data.facts(), "models": found})

    @torch.inference_mode()
    def _measured(
        self, model: Any, terms: Sequence[tuple[TrainingStates, Objective]], data: Any, windows: Windows
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean nats over the passes, and bytes, of every batch of windows. There are at least `BATCHES` where there are
        as many windows, so that resampling them gives an interval; further passes are no further windows."""
        total = len(windows)
        rows = max(1, min(self.rows, total // BATCHES))
        starts = range(0, total, rows)
        nats, sizes = np.zeros(len(starts)), np.zeros(len(starts))
        for batch_number, start in enumerate(starts):
            index = np.arange(start, min(start + rows, total))
            some = Windows(windows.tokens[index], windows.padding[index])
            clean, editable = torch.from_numpy(some.tokens), ~torch.from_numpy(some.padding)
            sizes[batch_number] = data.bytes_of(some)
            for one_pass in range(self.passes):
                ids = torch.from_numpy(index + one_pass * total)
                batch = Batch(Queries(ids, clean, editable), clean).to(device_of(model, clean.device))
                for training_states, objective in terms:
                    state, own = training_states.begin(model, batch, self.seed)
                    hidden = model.denoiser.evaluate(evaluated_state(model, state)).hidden
                    losses = objective(LossInputs(model, state, own.clean, hidden))
                    nats[batch_number] += float(sum(losses.values())) * int(editable.sum()) / self.passes
        return nats, sizes
