"""Training of halting heads on recorded trajectories."""

from collections.abc import Callable
from typing import Any

import torch
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from adaptive_diffusion.models.halting_head import ObservationHead
from adaptive_diffusion.objectives.halting_losses import HaltingObjective
from adaptive_diffusion.objectives.trajectories import Trajectories
from adaptive_diffusion.training.optimisation import ADAMW, MakeOptimizer, MakeScheduler, optimisation
from adaptive_diffusion.training.rollouts import Rollouts


class HaltingHeadModule(LightningModule):
    """Fits a halting head to trajectories; the objective is a part.

    Args:
        head: what is fitted; its weights and scale are those it ends with.
        objective: what is minimised.
        steps: optimiser steps.
        optimizer, scheduler: as in `DenoiserModule`.
    """

    def __init__(
        self,
        head: ObservationHead,
        objective: HaltingObjective,
        steps: int,
        optimizer: MakeOptimizer = ADAMW,
        scheduler: MakeScheduler | None = None,
    ):
        super().__init__()
        if head.outputs != objective.outputs:
            name = type(objective).__name__
            raise ValueError(f"{name} needs a head of {objective.outputs} outputs, this one has {head.outputs}")
        self.head, self.objective = head, objective
        self.steps, self.optimizer, self.scheduler = steps, optimizer, scheduler

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        trajectories = Trajectories(**batch)
        objective = self.objective.at(self.global_step / self.steps)
        losses = objective(self.head.predict(trajectories.observation), trajectories)
        self.log_dict({f"train/{name}": loss.detach() for name, loss in losses.items()}, prog_bar=True)
        return torch.stack(list(losses.values())).sum()

    def configure_optimizers(self) -> Any:
        return optimisation(self, self.optimizer, self.scheduler)


class RolloutBatches(LightningDataModule):
    """Shuffled batches of recorded trajectories.

    Args:
        rollouts: what was recorded.
        rows: trajectories a batch.
        refresh: records new rollouts, given the number of the epoch; None reuses the first in every epoch.
    """

    def __init__(self, rollouts: Rollouts, rows: int = 256, refresh: Callable[[int], Rollouts] | None = None):
        super().__init__()
        self.rollouts, self.rows, self.refresh, self.epoch = rollouts, rows, refresh, 0

    def train_dataloader(self) -> DataLoader:
        if self.refresh is not None and self.epoch:
            self.rollouts = self.refresh(self.epoch)
        self.epoch += 1
        rows: Any = range(len(self.rollouts))
        return DataLoader(rows, batch_size=self.rows, shuffle=True, collate_fn=self._gather)

    def _gather(self, rows: list[int]) -> dict[str, Tensor]:
        # As a dict, because Lightning moves no immutable records to a device.
        return vars(self.rollouts.batch(torch.tensor(rows)))


def fit(module: HaltingHeadModule, batches: RolloutBatches, **options: Any) -> ObservationHead:
    """Runs the module to its end and returns the head. It takes a minute on a CPU, and repeated it ends the same, so
    nothing is stored in between. `options` are of Lightning's `Trainer`."""
    trainer = Trainer(
        max_steps=module.steps,
        accelerator="cpu",
        reload_dataloaders_every_n_epochs=0 if batches.refresh is None else 1,
        logger=False,
        enable_checkpointing=False,
        **{"enable_progress_bar": False, **options},
        enable_model_summary=False,
    )
    trainer.fit(module, batches)
    return module.head.eval()
