"""Infilling problems that come with the package, for a trained model whose corpus is not there."""

from pathlib import Path
from typing import Any, Literal

import adaptive_diffusion
from adaptive_diffusion.tasks.data import TaskData
from adaptive_diffusion.tasks.text.infilling_problems import InfillingProblems
from adaptive_diffusion.tasks.text.query_files import read_texts
from adaptive_diffusion.tasks.text.task import TextTask
from adaptive_diffusion.tasks.text.tokenizer import ByteTokenizer, Tokenizer


class PackagedProblems(TaskData):
    """The infilling problems of a file of the package, as validation and as test. There is nothing to train on.

    Args:
        file: the path within the package of rows with `prompt`, `canonical_solution` and `suffix`
            (`tasks.text.query_files`).
        length: L, tokens of a sequence.
        tokenizer: text to tokens.
        batch_size, seed, evaluation_seed, evaluation_batch_size, threads: of `TaskData`.

    Raises:
        ValueError: a file that is not there.
    """

    task: TextTask

    def __init__(
        self,
        file: str,
        length: int = 256,
        tokenizer: Tokenizer | None = None,
        batch_size: int = 32,
        seed: int = 0,
        evaluation_seed: int = 0,
        evaluation_batch_size: int = 64,
        threads: int = 1,
    ) -> None:
        super().__init__(batch_size, seed, evaluation_seed, evaluation_batch_size, threads)
        self.file = Path(adaptive_diffusion.__file__).parent / file
        if not self.file.is_file():
            raise ValueError(f"the package has no file {file}; it is a path such as models_to_try/text/problems.jsonl")
        self.task = TextTask(length, tokenizer or ByteTokenizer())

    def training(self, position: int, count: int) -> Any:
        """Raises `ValueError`: there is no text."""
        raise ValueError("PackagedProblems has no text to train on; use TextDataModule with a corpus")

    def held_out(self, split: Literal["validation", "test"]) -> InfillingProblems:
        return read_texts(self.file, self.task.tokenizer, self.task.length).problems
