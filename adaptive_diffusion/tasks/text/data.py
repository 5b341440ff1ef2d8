"""Text for Lightning: windows drawn from training documents, fixed windows and problems of held-out ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from adaptive_diffusion.tasks.text.collection import Collection
from adaptive_diffusion.tasks.text.corpora import Corpus, StandardLibrary
from adaptive_diffusion.tasks.text.infilling import infilling
from adaptive_diffusion.tasks.text.infilling_problems import InfillingProblems
from adaptive_diffusion.tasks.text.packing import Packed, Packing, Windows
from adaptive_diffusion.tasks.text.task import TextTask
from adaptive_diffusion.tasks.text.tokenizer import ByteTokenizer, Tokenizer

Batch = dict[str, Tensor]


def to_batch(windows: Windows) -> Batch:
    """``tokens`` int64 [B, L] and ``given`` bool [B, L], true at padding."""
    return {"tokens": torch.from_numpy(windows.tokens), "given": torch.from_numpy(windows.padding)}


@dataclass(frozen=True)
class WindowStream(IterableDataset):
    """Training batches without end; the batch at a position is a function of the seed and the position alone."""

    documents: tuple[np.ndarray, ...]
    packing: Packing
    length: int
    batch_size: int
    seed: int = 0
    position: int = 0

    def batch(self, position: int) -> Batch:
        """The batch that begins at a position."""
        rng = np.random.default_rng([self.seed, position])
        return to_batch(self.packing.drawn(self.documents, self.length, self.batch_size, rng))

    def __iter__(self) -> Iterator[Batch]:
        yield from map(self.batch, count(self.position, self.batch_size))


class TextDataModule(LightningDataModule):
    """Windows of `length` tokens from a corpus; by default bytes of the running Python's standard library.

    Training follows `seed` and resumes exactly from a checkpoint. `test` are problems of code infilling from held-out
    documents, by `evaluation_seed` alone.

    Args:
        length: L, tokens a window.
        corpus: where documents come from.
        tokenizer: text to tokens.
        packing: documents to windows.
        batch_size: windows a training batch.
        test_problems: infilling problems.
        evaluation_windows: at most so many windows of validation and test, spread evenly over the documents.
    """

    stratified_puzzles = 0

    def __init__(
        self,
        length: int = 256,
        corpus: Corpus | None = None,
        tokenizer: Tokenizer | None = None,
        packing: Packing | None = None,
        batch_size: int = 32,
        seed: int = 0,
        test_problems: int = 500,
        evaluation_windows: int = 1024,
        evaluation_batch_size: int = 64,
        evaluation_seed: int = 0,
    ) -> None:
        super().__init__()
        if min(length, batch_size, evaluation_windows) < 1:
            raise ValueError("length, batch_size and evaluation_windows must be at least 1")
        self.collection = Collection(corpus or StandardLibrary())
        self.packing = packing or Packed()
        self.task = TextTask(length, tokenizer or ByteTokenizer())
        self.batch_size, self.seed = batch_size, seed
        self.test_problems, self.evaluation_windows = test_problems, evaluation_windows
        self.evaluation_batch_size, self.evaluation_seed = evaluation_batch_size, evaluation_seed
        self.position = 0

    @cached_property
    def test(self) -> InfillingProblems:
        """Infilling problems of the test documents."""
        documents = self.collection.splits["test"]
        return infilling(documents, self.task.tokenizer, self.task.length, self.test_problems, self.evaluation_seed)

    @cached_property
    def validation(self) -> InfillingProblems:
        """Infilling problems of the validation documents, for what is tuned."""
        documents = self.collection.splits["validation"]
        return infilling(documents, self.task.tokenizer, self.task.length, self.test_problems, self.evaluation_seed)

    def facts(self) -> dict[str, Any]:
        """What a manifest says of the data: hash, sizes, and for the default corpus Python's version."""
        return self.collection.facts()

    def encoded(self, split: str) -> tuple[np.ndarray, ...]:
        """The documents of a split, each with its end."""
        tokenizer = self.task.tokenizer
        return tuple(
            np.append(tokenizer.encode(document.text), tokenizer.end) for document in self.collection.splits[split]
        )

    def windows(self, split: str) -> Windows:
        """The windows of a split that are evaluated on."""
        every = self.packing.every(self.encoded(split), self.task.length)
        chosen = np.linspace(0, len(every) - 1, min(self.evaluation_windows, len(every))).round().astype(int)
        return Windows(every.tokens[chosen], every.padding[chosen])

    def bytes_of(self, windows: Windows) -> int:
        """How many bytes of text windows hold."""
        rows = zip(windows.tokens, windows.padding, strict=True)
        return sum(len(self.task.tokenizer.decode(tokens[~padding].tolist())) for tokens, padding in rows)

    def train_stream(self) -> WindowStream:
        """The training stream from the present position on."""
        documents = self.encoded("train")
        return WindowStream(documents, self.packing, self.task.length, self.batch_size, self.seed, self.position)

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.train_stream(), batch_size=None)

    def val_dataloader(self) -> DataLoader:
        return self._fixed("validation")

    def test_dataloader(self) -> DataLoader:
        return self._fixed("test")

    def _fixed(self, split: str) -> DataLoader:
        windows, size = self.windows(split), self.evaluation_batch_size
        batches: Any = [
            to_batch(Windows(windows.tokens[first : first + size], windows.padding[first : first + size]))
            for first in range(0, len(windows), size)
        ]
        return DataLoader(batches, batch_size=None)

    def on_before_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        # Lightning fetches a batch ahead, so the stream itself cannot know which batches were trained on.
        if self.trainer is not None and self.trainer.training:
            self.position += len(batch["tokens"])
        return batch

    def state_dict(self) -> dict[str, int]:
        return {"position": self.position, "seed": self.seed}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        self.position = state_dict["position"]
