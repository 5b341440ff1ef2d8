"""Problems of a task, handed to a Lightning `Trainer`."""

from typing import Any

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.tasks.data import TaskData


class LightningData(LightningDataModule):
    """The problems of a task for a `Trainer`: `trainer.fit(module, LightningData(data))`.

    The module gets a `Batch` whose queries are numbered by their place in the training stream. A training that is
    resumed goes on where the stream was, and processes that train together get different batches of one stream.

    Args:
        data: the problems.
        position: the first training problem.
    """

    def __init__(self, data: TaskData, position: int = 0) -> None:
        super().__init__()
        self.data, self.position = data, position

    def train_dataloader(self) -> DataLoader:
        part, parts = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        return DataLoader(self.data.train_stream(self.position, part, parts), batch_size=None)

    def val_dataloader(self) -> DataLoader:
        return self.data.val_dataloader()

    def test_dataloader(self) -> DataLoader:
        return self.data.test_dataloader()

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Batch:
        if self.trainer is None or not self.trainer.training:
            return self.data.batch(batch)
        # Lightning fetches a batch ahead, so the stream itself cannot count the batches that were trained on.
        made = self.data.batch(batch, self.position + self.trainer.global_rank * self.data.batch_size)
        self.position += self.trainer.world_size * len(made)
        return made

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        return batch.to(device)

    def state_dict(self) -> dict[str, int]:
        return {"position": self.position, "seed": self.data.seed}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        self.position = state_dict["position"]
