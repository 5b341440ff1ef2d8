"""Molecules of a corpus as training, validation and test problems, split by a hash of their canonical string."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np

from adaptive_diffusion.tasks.data import TaskData, at_least_one
from adaptive_diffusion.tasks.keyed_numbers import keyed_uniforms
from adaptive_diffusion.tasks.molecules.corpora import Molecules, SmilesCorpus
from adaptive_diffusion.tasks.molecules.framing import Framing, LengthGiven, padded
from adaptive_diffusion.tasks.molecules.new_molecules import drawn_length, new_molecules
from adaptive_diffusion.tasks.molecules.openings import New, Opening, Span
from adaptive_diffusion.tasks.molecules.problems import MoleculeProblems
from adaptive_diffusion.tasks.molecules.task import MoleculeTask
from adaptive_diffusion.tasks.molecules.tokenizer import SmilesTokenizer, SymbolTokenizer
from adaptive_diffusion.tasks.splits import SPLITS, splits_of
from adaptive_diffusion.tasks.text.packing import Windows

STREAMS = {"train": 0, "validation": 1, "test": 2}


class MoleculeData(TaskData):
    """Canonical strings of a corpus, each once. A corpus without a test set of its own is split into 80, 10 and 10%
    by a hash of the string; with one, into 90% for training and 10% for validation.

    Args:
        corpus: where the strings come from.
        length: L, positions of a sequence; longer strings are left out and counted.
        tokenizer: strings to tokens; strings with a piece that is no token are left out and counted.
        framing: whether the length is given (the default) or an end token is predicted.
        openings: what is open in the held-out problems, taken by turns; in training everything is.
        split_seed: keys the hash that splits.
        held_out_problems: of validation and of test.
        batch_size, seed, evaluation_seed, evaluation_batch_size, threads: of `TaskData`.

    Raises:
        ValueError: a size below 1.
    """

    task: MoleculeTask

    def __init__(
        self,
        corpus: SmilesCorpus,
        length: int = 24,
        tokenizer: SymbolTokenizer | None = None,
        framing: Framing | None = None,
        openings: Sequence[Opening] = (New(), Span()),
        split_seed: int = 0,
        held_out_problems: int = 1000,
        batch_size: int = 128,
        seed: int = 0,
        evaluation_seed: int = 0,
        evaluation_batch_size: int = 500,
        threads: int = 1,
    ) -> None:
        super().__init__(batch_size, seed, evaluation_seed, evaluation_batch_size, threads)
        at_least_one(held_out_problems=held_out_problems, length=length, openings=len(openings))
        self.corpus, self.openings, self.split_seed = corpus, tuple(openings), split_seed
        self.held_out_problems = held_out_problems
        self._orders: dict[int, np.ndarray] = {}
        self.task = MoleculeTask(
            length, tokenizer or SmilesTokenizer(), framing or LengthGiven(), drawn_length=self.drawn_length
        )

    @cached_property
    def molecules(self) -> Molecules:
        """What the corpus holds."""
        return self.corpus.read()

    @cached_property
    def strings(self) -> dict[str, list[str]]:
        """The strings of each split that fit, in the order of their hashes, so that the order of a file means nothing.

        Raises:
            ValueError: a split without a string.
        """
        found = self.molecules
        words = {smiles: self._word(smiles) for smiles in self._fitting(found.pool)}
        ordered = sorted(words, key=words.__getitem__)
        number = splits_of(np.array([words[smiles] for smiles in ordered], np.uint64))
        if found.test:
            number = (number == 1).astype(np.int64)
        splits = {
            split: [smiles for smiles, own in zip(ordered, number, strict=True) if own == place]
            for place, split in enumerate(SPLITS)
        }
        if found.test:
            splits["test"] = sorted(self._fitting(found.test), key=self._word)
        if empty := [split for split, strings in splits.items() if not strings]:
            raise ValueError(f"the corpus has no molecule for {', '.join(empty)}; use more molecules")
        return splits

    @cached_property
    def lengths(self) -> np.ndarray:
        """float64 [L + 1], the share of training strings of 0, 1, … tokens."""
        counts = np.bincount(
            [len(self.task.tokenizer.cut(smiles)) for smiles in self.strings["train"]], minlength=self.task.length + 1
        )
        return counts / counts.sum()

    def training(self, position: int, count: int) -> MoleculeProblems:
        strings = self.strings["train"]
        chosen = [strings[self._order(n // len(strings))[n % len(strings)]] for n in range(position, position + count)]
        return self._made(chosen, [New()] * count, np.zeros((count, 2)))

    def _order(self, number: int) -> np.ndarray:
        """The order of the training strings in a pass; every pass shows each of them once."""
        order = self._orders.get(number)
        if order is None:
            order = np.random.default_rng([self.seed, number]).permutation(len(self.strings["train"]))
            self._orders = {number: order}
        return order

    def held_out(self, split: Literal["validation", "test"]) -> MoleculeProblems:
        strings, numbers = self.strings[split], np.arange(self.held_out_problems)
        uniforms = keyed_uniforms(self.evaluation_seed, STREAMS[split], numbers, count=2)
        openings = [self.openings[number % len(self.openings)] for number in numbers]
        chosen = [self._suited(strings, int(number), one) for number, one in zip(numbers, openings, strict=True)]
        return self._made(chosen, openings, uniforms)

    def opened(self, split: Literal["validation", "test"], opening: Opening, count: int) -> MoleculeProblems:
        """Up to `count` strings of a split that suit an opening, whether the held-out problems have it or not."""
        suited = [smiles for smiles in self.strings[split] if opening.suits(self.task.tokenizer.cut(smiles))][:count]
        uniforms = keyed_uniforms(self.evaluation_seed, STREAMS[split], np.arange(len(suited)), count=2)
        return self._made(suited, [opening] * len(suited), uniforms)

    def _suited(self, strings: Sequence[str], number: int, opening: Opening) -> str:
        """The string with a number, or the next one that suits the opening."""
        for place in range(number, number + len(strings)):
            smiles = strings[place % len(strings)]
            if opening.suits(self.task.tokenizer.cut(smiles)):
                return smiles
        raise ValueError(
            f"no molecule of {len(strings):,} suits the opening {opening.kind!r}; leave it out of `openings`"
        )

    def new(self, count: int, seed: int = 0) -> MoleculeProblems:
        """Molecules to be written anew. Where the length is given, lengths are drawn from those of the training
        strings."""
        return new_molecules(self.task, self.lengths, count, seed)

    def drawn_length(self, line: int, least: int) -> int:
        """The length of the molecule on a line of a file of queries, drawn from those of training strings of at least
        `least` tokens."""
        return drawn_length(self.lengths, line, least)

    def windows(self, split: str) -> Windows:
        """Up to `held_out_problems` strings of a split, all open: what a likelihood is measured on."""
        strings = self.strings[split][: self.held_out_problems]
        made = self._made(strings, [New()] * len(strings), np.zeros((len(strings), 2)))
        return Windows(made.tokens.numpy(), ~made.editable.numpy())

    def bytes_of(self, windows: Windows) -> int:
        """How many bytes the strings of windows have."""
        return sum(len(self.task.tokenizer.decode(row)) for row in windows.tokens.tolist())

    def facts(self) -> dict[str, Any]:
        found, splits = self.molecules, self.strings
        counts = {split: len(strings) for split, strings in splits.items()}
        digest = hashlib.sha256("\n".join(smiles for split in SPLITS for smiles in splits[split]).encode())
        left_out = len(found.pool) + len(found.test) - sum(counts.values())
        return {
            "molecules": counts,
            "repeated": found.repeated,
            "refused": found.refused,
            "left_out": left_out,
            "sha256": digest.hexdigest(),
        }

    def check(self) -> tuple[str, ...]:
        facts = self.facts()
        counts = ", ".join(f"{count:,} for {split}" for split, count in facts["molecules"].items())
        left_out = (
            f"{facts['repeated']:,} whose canonical string was there already, {facts['refused']:,} that rdkit refuses, "
            f"{facts['left_out']:,} that are too long or have other tokens"
        )
        return (f"molecules: {counts}. Left out: {left_out}.",)

    def _made(self, strings: Sequence[str], openings: Sequence[Opening], uniforms: np.ndarray) -> MoleculeProblems:
        task = self.task
        length, end = task.length, task.tokenizer.end
        tokens, opened, inside = [], [], []
        for smiles, opening, own in zip(strings, openings, uniforms, strict=True):
            row, cut = task.tokenizer.encode(smiles.encode()), task.tokenizer.cut(smiles)
            tokens.append(padded(row, length, end))
            opened.append(opening(cut, length, task.framing, own))
            inside.append(np.arange(length) < task.framing.open_positions(len(row), length))
        return MoleculeProblems.of(tokens, opened, inside, True, [opening.kind for opening in openings])

    def _fitting(self, strings: Sequence[str]) -> list[str]:
        room, tokenizer = self.task.framing.room(self.task.length), self.task.tokenizer
        known = set(tokenizer.alphabet)
        return [smiles for smiles in strings if len(cut := tokenizer.cut(smiles)) <= room and known.issuperset(cut)]

    def _word(self, smiles: str) -> int:
        digest = hashlib.sha256(f"{self.split_seed} {smiles}".encode()).digest()
        return int.from_bytes(digest[:8], "little")
