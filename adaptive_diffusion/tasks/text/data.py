"""Text for training and evaluation: windows drawn from training documents; fixed windows and problems of held-out
documents."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np

from adaptive_diffusion.core.measures import Headline
from adaptive_diffusion.tasks.data import TaskData
from adaptive_diffusion.tasks.scores import named_checker
from adaptive_diffusion.tasks.splits import SPLITS
from adaptive_diffusion.tasks.text.checkers import CHECKERS, TextChecker
from adaptive_diffusion.tasks.text.collection import Collection
from adaptive_diffusion.tasks.text.corpora import Corpus, StandardLibrary, corpus_at
from adaptive_diffusion.tasks.text.holes import LineEnds, RandomSpans
from adaptive_diffusion.tasks.text.infilling import HoleSource, infilling
from adaptive_diffusion.tasks.text.infilling_problems import InfillingProblems
from adaptive_diffusion.tasks.text.packing import Documents, OneEach, Packed, Packing, Windows
from adaptive_diffusion.tasks.text.task import TextTask
from adaptive_diffusion.tasks.text.tokenizer import ByteTokenizer, Tokenizer


def windows_as_problems(windows: Windows) -> InfillingProblems:
    """Windows as problems whose text is entirely open, padding aside, and whose reference is the window itself."""
    count, sizes = len(windows), (~windows.padding).sum(1)
    return InfillingProblems(
        tokens=windows.tokens,
        editable=~windows.padding,
        scope=np.stack([np.zeros_like(sizes), sizes], 1),
        known=np.ones(count, bool),
        surprise=np.zeros(count, np.float32),
        kind=np.full(count, "window"),
    )


class TextDataModule(TaskData):
    """Windows of `length` tokens from a corpus; by default bytes of the running Python's standard library.

    Training follows `seed` and resumes exactly from a checkpoint. `test` are infilling problems from held-out
    documents, by `evaluation_seed` alone.

    Args:
        length: L, tokens of a window.
        corpus: where documents come from: a `Corpus`, or the path of a file or folder (`corpora.corpus_at`).
        lines: each line of a text file is a document, and each line of a file of queries a text.
        tokenizer: text to tokens.
        packing: documents to windows; by default `Packed`, and `OneEach` for lines.
        problems: where the infilling problems of the test are open; random spans and line ends by default.
        checker: grades texts from 0 to 1: `parses_python`, or a callable `checker(text) -> float`; None leaves validity
            unknown.
        headline: which figure makes an answer correct.
        batch_size: windows of a training batch.
        test_problems: at most so many infilling problems.
        evaluation_windows: at most so many windows of validation and test, spread evenly over the documents.

    Raises:
        ValueError: a size below 1, or a checker or headline that does not exist.
    """

    task: TextTask

    def __init__(
        self,
        length: int = 256,
        corpus: Corpus | str | None = None,
        tokenizer: Tokenizer | None = None,
        packing: Packing | None = None,
        batch_size: int = 32,
        seed: int = 0,
        test_problems: int = 500,
        evaluation_windows: int = 1024,
        evaluation_batch_size: int = 64,
        evaluation_seed: int = 0,
        lines: bool = False,
        problems: Sequence[HoleSource] | None = None,
        checker: str | TextChecker | None = None,
        headline: Headline = "exact",
    ) -> None:
        super().__init__(batch_size, seed, evaluation_seed, evaluation_batch_size)
        if min(length, evaluation_windows, test_problems) < 1:
            raise ValueError("length, evaluation_windows and test_problems must be at least 1")
        found = corpus_at(corpus, lines) if isinstance(corpus, str) else corpus
        self.collection = Collection(found or StandardLibrary())
        self.packing = packing or (OneEach() if lines else Packed())
        grades = None if checker is None else named_checker(checker, CHECKERS, "my_checkers.is_molecule")
        self.task = TextTask(length, tokenizer or ByteTokenizer(), grades, headline, lines)
        self.problems = (RandomSpans(), LineEnds()) if problems is None else tuple(problems)
        self.test_problems, self.evaluation_windows = test_problems, evaluation_windows

    def training(self, position: int, count: int) -> InfillingProblems:
        """Windows drawn from the training documents, each by its own number."""
        drawn = [self._window(number) for number in range(position, position + count)]
        tokens, padding = zip(*((one.tokens, one.padding) for one in drawn), strict=True)
        return windows_as_problems(Windows(np.concatenate(tokens), np.concatenate(padding)))

    def _window(self, number: int) -> Windows:
        rng = np.random.default_rng([self.seed, number])
        return self.packing.drawn(self.train_documents, self.task.length, 1, rng)

    @cached_property
    def train_documents(self) -> Documents:
        """The training documents as tokens."""
        return self.encoded("train")

    def held_out(self, split: Literal["validation", "test"]) -> InfillingProblems:
        """Infilling problems of held-out documents.

        Raises:
            ValueError: documents in which no problem can be made.
        """
        documents, task = self.collection.splits[split], self.task
        found = infilling(
            documents, self.problems, task.tokenizer, task.length, self.test_problems, self.evaluation_seed
        )
        if found is None:
            kinds = ", ".join(type(source).__name__ for source in self.problems)
            raise ValueError(
                f"no infilling problem of {kinds} can be made from the {len(documents)} documents for {split}; name "
                "others (task.problems=[{_target_: adaptive_diffusion.tasks.text.holes.RandomSpans}]) or use more text"
            )
        return found

    def check(self) -> tuple[str, ...]:
        """Sentences about the data, before the first training.

        Raises:
            ValueError: too little text for a split or a window; documents in which no problem can be made.
        """
        splits = self.collection.splits
        self.training(0, 1)
        sizes = ", ".join(f"{len(splits[name])} for {name}" for name in SPLITS)
        kinds, counts = np.unique(self.test.kind, return_counts=True)
        made = ", ".join(f"{count} of the kind '{kind}'" for kind, count in zip(kinds, counts, strict=True))
        notes = [f"documents: {sizes}. Infilling problems of the test: {made}."]
        if len(self.test) < self.test_problems:
            notes.append(
                f"The test documents hold {len(self.test)} problems, fewer than the {self.test_problems} wanted."
            )
        if self.task.checker is None:
            notes.append("Validity is not measured, because no checker is named (task.checker); answers are compared.")
            return tuple(notes)
        references = self.task.grades(self.task.queries(self.test).tokens, self.test)["score"]
        if (wrong := int((references < 1).sum())) == len(self.test):
            raise ValueError("the checker grades not one reference text of the test problems as right; name another")
        if wrong:
            notes.append(
                f"{wrong} of {len(self.test)} reference texts of the test problems are not right by the checker."
            )
        return tuple(notes)

    def facts(self) -> dict[str, Any]:
        """What a manifest records about the data: hash, sizes, and for the default corpus Python's version."""
        return self.collection.facts()

    def encoded(self, split: str) -> Documents:
        """The documents of a split, each with its end."""
        tokenizer = self.task.tokenizer
        return Documents.of(
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
