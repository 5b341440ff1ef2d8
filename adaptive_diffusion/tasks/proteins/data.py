"""Sequences of a FASTA file as training, validation and test problems, split by germline family."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from adaptive_diffusion.tasks.data import TaskData, at_least_one
from adaptive_diffusion.tasks.keyed_numbers import keyed_uniforms, keyed_words
from adaptive_diffusion.tasks.lines import BadLines
from adaptive_diffusion.tasks.proteins.alphabet import encode
from adaptive_diffusion.tasks.proteins.fasta import Record, loop_of, read_records
from adaptive_diffusion.tasks.proteins.openings import Opening, Scattered
from adaptive_diffusion.tasks.proteins.problems import ProteinProblems, stacked
from adaptive_diffusion.tasks.proteins.task import ProteinTask

STREAMS = {"train": 0, "validation": 1, "test": 2}


class ProteinData(TaskData):
    """Problems made of the sequences of a FASTA file. A header names its germline gene, `>id v=IGHV3-23*01`; the part
    before the first `-` is the family. Sequences of the families of a split are in no other split, and no sequence
    comes twice.

    Args:
        path: of the file, plain or compressed by gzip.
        validation, test: families held out; all others are for training.
        openings: ways to make problems, taken by turns.
        length: L, the longest sequence.
        held_out_problems: of validation and of test.
        batch_size, seed, evaluation_seed, evaluation_batch_size, threads: of `TaskData`.

    Raises:
        ValueError: a size below 1, or families that are for validation and for test.
    """

    task: ProteinTask

    def __init__(
        self,
        path: str,
        validation: Sequence[str] = ("IGHV2", "IGHV5", "IGHV7"),
        test: Sequence[str] = ("IGHV4", "IGHV6"),
        openings: Sequence[Opening] = (Scattered(),),
        length: int = 144,
        held_out_problems: int = 200,
        batch_size: int = 16,
        seed: int = 0,
        evaluation_seed: int = 0,
        evaluation_batch_size: int = 100,
        threads: int = 1,
    ) -> None:
        super().__init__(batch_size, seed, evaluation_seed, evaluation_batch_size, threads)
        at_least_one(held_out_problems=held_out_problems, length=length, openings=len(openings))
        if both := sorted({*validation} & {*test}):
            raise ValueError(f"the families {', '.join(both)} are for validation and for test; name them once")
        self.path, self.families = Path(path), {"validation": frozenset(validation), "test": frozenset(test)}
        self.openings = tuple(openings)
        self.task = ProteinTask(length)
        self.held_out_problems = held_out_problems

    @cached_property
    def records(self) -> dict[str, list[Record]]:
        """The sequences of each split, in the order of their hashes, so that a file's order means nothing.

        Raises:
            ValueError: bad records, or a split without a sequence.
        """
        bad = BadLines(self.path)
        found = read_records(self.path, self.task.length, bad)
        open_ones = [record for record in found if "_" in record.sequence]
        for record in open_ones:
            bad.add(record.line, "the sequence has blanks; to train and to evaluate, give full sequences")
        if bad.found:
            raise ValueError(f"{self.path} has bad records{bad.listing()}")
        splits: dict[str, list[Record]] = {split: [] for split in STREAMS}
        for record in {record.sequence: record for record in sorted(found, key=_digest)}.values():
            family = family_of(record)
            split = next((split for split, names in self.families.items() if family in names), "train")
            splits[split].append(record)
        if empty := [split for split, records in splits.items() if not records]:
            there = sorted({family_of(record) for record in found})
            raise ValueError(
                f"{self.path} has no sequence for {', '.join(empty)}; its families are {', '.join(there)}: name some "
                "of them in task.validation and task.test"
            )
        return splits

    def training(self, position: int, count: int) -> ProteinProblems:
        records = self.records["train"]
        numbers = np.arange(position, position + count)
        chosen = keyed_words(self.seed, numbers, count=1)[:, 0] % np.uint64(len(records))
        return self._made([records[int(one)] for one in chosen], numbers, "train", self.seed)

    def held_out(self, split: Literal["validation", "test"]) -> ProteinProblems:
        records = self.records[split]
        numbers = np.arange(self.held_out_problems)
        return self._made([records[one % len(records)] for one in numbers], numbers, split, self.evaluation_seed)

    def facts(self) -> dict[str, Any]:
        counts = {split: len(records) for split, records in self.records.items()}
        return {"sequences": counts, "sha256": hashlib.sha256(self.path.read_bytes()).hexdigest()}

    def check(self) -> tuple[str, ...]:
        counts = ", ".join(f"{len(records)} for {split}" for split, records in self.records.items())
        return (f"{self.path}: {counts}; no germline family is in two of them",)

    def _made(self, records: Sequence[Record], numbers: np.ndarray, split: str, seed: int) -> ProteinProblems:
        length = self.task.length
        uniforms = keyed_uniforms(seed, 1 + STREAMS[split], numbers, count=3 * length).reshape(-1, 3, length)
        rows = []
        for record, number, own in zip(records, numbers.tolist(), uniforms, strict=True):
            clean = encode(record.sequence, length)
            opening = self.openings[number % len(self.openings)]
            rows.append((*opening(clean, own), clean, np.array(True), loop_of(record.sequence, length)))
        return stacked(rows, [family_of(record) for record in records])


def family_of(record: Record) -> str:
    """The germline family that the header names, such as IGHV3; empty where it names no gene."""
    return record.field("v").partition("-")[0]


def _digest(record: Record) -> str:
    return hashlib.sha256(record.sequence.encode()).hexdigest()
