"""Prompts for training and evaluation: a seeded split, and an endless stream of training prompts."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch

from adaptive_diffusion.tasks.data import TaskData, at_least_one
from adaptive_diffusion.tasks.prompts.checkers import CHECKERS, Checker, graded
from adaptive_diffusion.tasks.prompts.prompts import AnswerSpan, Prompts
from adaptive_diffusion.tasks.prompts.sources import Columns, PromptFile, PromptSource
from adaptive_diffusion.tasks.prompts.task import PromptTask
from adaptive_diffusion.tasks.scores import named_checker
from adaptive_diffusion.tasks.splits import SPLITS
from adaptive_diffusion.tasks.text.tokenizer import ByteTokenizer, Tokenizer

SHARES = 0.1, 0.2
"""Of all prompts, by their hashes: validation is below the first, test below the second, training above."""


@dataclass(frozen=True)
class Split:
    """The prompts of each split, and sentences about what was left out."""

    parts: Mapping[str, Prompts]
    notes: tuple[str, ...]
    digest: str


class PromptData(TaskData):
    """Prompts with answers from a file, a Hugging Face data set or a generator of reasoning-gym.

    Where validation or test have no file of their own, each takes a tenth of the prompts by their hashes, so the same
    prompt is never on two sides. Training goes through its prompts in a new order each time.

    Args:
        path: a `.jsonl`, `.csv` or `.tsv` file of prompts and answers.
        source: in the place of a path, any other `PromptSource`.
        validation_path, test_path: files of these splits.
        prompt, answer: names of the columns.
        difficulty: names of columns of numbers, the chief one first.
        checker: `exact`, `numeric`, `last_number`, `regex`, or a callable `checker(answer, row) -> float` in 0..1.
        length: L, tokens of a sequence: prompt and answer.
        answer_length: tokens of the longest answer.
        ends: whether shorter answers end with the end token; otherwise each has exactly `answer_length` tokens.
        tokenizer: text to tokens; bytes by default.
        held_out_prompts: at most so many prompts of validation and of test.
        batch_size, seed, evaluation_seed, evaluation_batch_size: of `TaskData`; `evaluation_seed` keys the split.

    Raises:
        ValueError: both a path and a source, or neither; a checker that does not exist; sizes that leave no room.
    """

    task: PromptTask

    def __init__(
        self,
        path: str | None = None,
        source: PromptSource | None = None,
        validation_path: str | None = None,
        test_path: str | None = None,
        prompt: str = "prompt",
        answer: str = "answer",
        difficulty: str | Sequence[str] = (),
        checker: str | Checker = "exact",
        length: int = 64,
        answer_length: int = 16,
        ends: bool = True,
        tokenizer: Tokenizer | None = None,
        held_out_prompts: int = 1000,
        batch_size: int = 128,
        seed: int = 0,
        evaluation_seed: int = 0,
        evaluation_batch_size: int = 500,
    ) -> None:
        super().__init__(batch_size, seed, evaluation_seed, evaluation_batch_size)
        if (path is None) == (source is None):
            raise ValueError("give a file of prompts (task.path=prompts.jsonl), or a source in its place, and not both")
        at_least_one(held_out_prompts=held_out_prompts)
        self.source = source if path is None else PromptFile(path)
        files = {"validation": validation_path, "test": test_path}
        self.files = {split: PromptFile(file) for split, file in files.items() if file is not None}
        names = Columns(prompt, answer, (difficulty,) if isinstance(difficulty, str) else tuple(difficulty))
        span = AnswerSpan(length, answer_length, ends)
        grades = named_checker(checker, CHECKERS, "my_checkers.close")
        self.task = PromptTask(span, tokenizer or ByteTokenizer(), grades, names)
        self.held_out_prompts = held_out_prompts

    @cached_property
    def split(self) -> Split:
        """All prompts by split.

        Raises:
            ValueError: rows that cannot be read, or a split without prompts.
        """
        assert self.source is not None
        rows, notes = {"train": distinct(self.source.rows(), self.task.names)}, []
        for split, file in self.files.items():
            rows[split] = distinct(file.rows(), self.task.names)
        held_out = {prompt for split in self.files for prompt in rows[split]}
        shares = [split for split in ("validation", "test") if split not in rows]
        for split in shares:
            rows[split] = {}
        for prompt in list(rows["train"]):
            if prompt in held_out:
                del rows["train"][prompt]
            elif (part := split_of(prompt, self.evaluation_seed)) in shares:
                rows[part][prompt] = rows["train"].pop(prompt)
        if held_out:
            notes.append(f"{len(held_out)} prompts are held out by their files, and training has none of them.")
        parts = {split: self._read(split, list(found.values()), notes) for split, found in rows.items()}
        digest = hashlib.sha256()
        for split in SPLITS:
            for row in parts[split].row:
                digest.update(json.dumps([split, row], sort_keys=True).encode())
        return Split(parts, tuple(notes), digest.hexdigest())

    def _read(self, split: str, rows: Sequence[tuple[str, Mapping[str, Any]]], notes: list[str]) -> Prompts:
        found = self.task.prompts(rows, needs_answer=True)
        if found.skipped:
            raise ValueError("\n".join(["these prompts cannot be trained or evaluated on:", *found.skipped[:5]]))
        note = self.task.too_long(found, 0 if found.prompts is None else len(found.prompts))
        if found.prompts is None:
            raise ValueError(f"{split} has no prompts. {note or 'Give a larger file, or one for each split.'}")
        if note:
            notes.append(f"{split}: {note}")
        return found.prompts

    def training(self, position: int, count: int) -> Prompts:
        numbers = np.arange(position, position + count)
        prompts = self.split.parts["train"]
        rounds = numbers // len(prompts)
        order = {each: np.random.default_rng([self.seed, each]).permutation(len(prompts)) for each in np.unique(rounds)}
        index = [order[each][number % len(prompts)] for each, number in zip(rounds, numbers, strict=True)]
        return prompts.take(torch.tensor(index))

    def held_out(self, split: Literal["validation", "test"]) -> Prompts:
        prompts = self.split.parts[split]
        if len(prompts) <= self.held_out_prompts:
            return prompts
        chosen = np.random.default_rng(self.evaluation_seed).permutation(len(prompts))[: self.held_out_prompts]
        return prompts.take(torch.from_numpy(np.sort(chosen)))

    def check(self) -> tuple[str, ...]:
        """Sentences about the data, before the first training.

        Raises:
            ValueError: as `split`; references that the checker refuses, all of them.
        """
        sizes = ", ".join(f"{len(self.split.parts[split])} for {split}" for split in SPLITS)
        refused = [row for row in self.test.row if graded(self.task.checker, row["answer"], row) < 1]
        if len(refused) == len(self.test):
            raise ValueError(f"the checker grades no reference answer as right, such as {refused[0]['answer']!r:.60}")
        about = (
            f"{len(refused)} of {len(self.test)} reference answers of the test prompts are not right by the checker."
        )
        return (f"prompts: {sizes}.", *self.split.notes, *([about] if refused else []))

    def facts(self) -> dict[str, Any]:
        """What a manifest records about the data: the source, a hash, sizes."""
        assert self.source is not None
        counts = {split: len(part) for split, part in self.split.parts.items()}
        return {**self.source.facts(), "prompts_sha256": self.split.digest, "prompts": counts}


def distinct(rows: Iterator[tuple[str, Mapping[str, Any]]], names: Columns) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """The named rows by prompt; of rows with one prompt the first."""
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    plain: Callable[[Any], Any] = lambda row: json.loads(json.dumps(row, default=str))  # noqa: E731
    for name, row in rows:
        found.setdefault(str(row.get(names.prompt)).strip(), (name, plain(dict(row))))
    return found


def split_of(prompt: str, seed: int) -> str:
    """The split of a prompt where the source does not decide, by its hash."""
    share = int.from_bytes(hashlib.sha256(f"{seed}:{prompt}".encode()).digest()[:8]) / 2**64
    return "validation" if share < SHARES[0] else "test" if share < SHARES[1] else "train"
