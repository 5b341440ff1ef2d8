"""Text for Lightning: windows drawn from training documents, fixed windows and problems of held-out ones."""

from functools import cached_property
from typing import Any, Literal

import numpy as np

from adaptive_diffusion.tasks.data import TaskData
from adaptive_diffusion.tasks.text.collection import Collection
from adaptive_diffusion.tasks.text.corpora import Corpus, StandardLibrary
from adaptive_diffusion.tasks.text.infilling import infilling
from adaptive_diffusion.tasks.text.infilling_problems import InfillingProblems
from adaptive_diffusion.tasks.text.packing import Packed, Packing, Windows
from adaptive_diffusion.tasks.text.task import TextTask
from adaptive_diffusion.tasks.text.tokenizer import ByteTokenizer, Tokenizer


def windows_as_problems(windows: Windows) -> InfillingProblems:
    """Windows as problems whose whole text is open, padding aside, and whose reference is the window itself."""
    count = len(windows)
    return InfillingProblems(
        tokens=windows.tokens,
        editable=~windows.padding,
        scope=np.zeros((count, 2), np.int64),
        known=np.ones(count, bool),
        surprise=np.zeros(count, np.float32),
        kind=np.full(count, "window"),
    )


class TextDataModule(TaskData):
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

    task: TextTask

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
        super().__init__(batch_size, seed, evaluation_seed, evaluation_batch_size)
        if min(length, evaluation_windows) < 1:
            raise ValueError("length and evaluation_windows must be at least 1")
        self.collection = Collection(corpus or StandardLibrary())
        self.packing = packing or Packed()
        self.task = TextTask(length, tokenizer or ByteTokenizer())
        self.test_problems, self.evaluation_windows = test_problems, evaluation_windows

    def training(self, position: int, count: int) -> InfillingProblems:
        """Windows drawn from the training documents, each by its own number."""
        drawn = [self._window(number) for number in range(position, position + count)]
        return windows_as_problems(
            Windows(*(np.concatenate([getattr(one, name) for one in drawn]) for name in ("tokens", "padding")))
        )

    def _window(self, number: int) -> Windows:
        rng = np.random.default_rng([self.seed, number])
        return self.packing.drawn(self.train_documents, self.task.length, 1, rng)

    @cached_property
    def train_documents(self) -> tuple[np.ndarray, ...]:
        """The training documents as tokens."""
        return self.encoded("train")

    def held_out(self, split: Literal["validation", "test"]) -> InfillingProblems:
        """Infilling problems of held-out documents."""
        documents = self.collection.splits[split]
        return infilling(documents, self.task.tokenizer, self.task.length, self.test_problems, self.evaluation_seed)

    def facts(self) -> dict[str, Any]:
        """What a manifest records about the data: hash, sizes, and for the default corpus Python's version."""
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
