"""What `evaluate` and `sample` are asked: a file of queries, put to a trained model."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adaptive_diffusion.runs.engine import Engine
from adaptive_diffusion.runs.shards import Sharded
from adaptive_diffusion.runs.source import Source, open_source


@dataclass(frozen=True)
class Asked:
    """
    Attributes:
        source: a run folder or a checkpoint.
        queries: a file of queries in a form the task reads.
        seed: keys the random draws.
        skip_bad: leave out queries that cannot be read.
        allow: modules whose classes configs and checkpoints may name.
        engine: does the queries in shards; None answers all of them in this process.
    """

    source: Path
    queries: Path
    seed: int = 0
    skip_bad: bool = False
    allow: Sequence[str] = ()
    engine: Engine | None = None

    def open(self) -> tuple[Source, Any]:
        """The model and the problems of the file; what is left out is said on standard error.

        Raises:
            ValueError: a source or a file that cannot be read, or a bad line where `skip_bad` does not allow it.
        """
        source = open_source(self.source, self.allow)
        file = source.task.read(self.queries, self.skip_bad)
        for line in file.skipped:
            print(f"skipped: {line}", file=sys.stderr)
        if not len(file.puzzles):
            raise ValueError(f"{self.queries} holds no query that can be used")
        return source, file.puzzles

    def sampler(self, source: Source, name: str) -> Any:
        """The sampler of that name, here or in shards."""
        here = source.sampler(name)
        return here if self.engine is None else Sharded(self.source, name, tuple(self.allow), self.engine)
