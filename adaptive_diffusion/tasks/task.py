"""What the rooms above may know about any task."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from adaptive_diffusion.core.query import Queries


@dataclass(frozen=True)
class Correctness:
    """Which of R answers hold.

    Attributes:
        valid: bool [R], the answer satisfies the task's rules and keeps what was given.
        exact: bool [R], the answer is the reference solution.
    """

    valid: Tensor
    exact: Tensor


class Task(Protocol):
    """Tokens in and out; ``problems`` is the task's own columnar record, which has a length and takes row indices."""

    @property
    def name(self) -> str: ...

    @property
    def length(self) -> int:
        """L, tokens in a sequence."""
        ...

    @property
    def clean_tokens(self) -> int:
        """K: clean tokens are 0..K − 1, the mask id is K."""
        ...

    @property
    def positions(self) -> Tensor:
        """Coordinates of every token for the denoiser, int64 [L, P]."""
        ...

    def queries(self, problems: Any) -> Queries:
        """What the sampler is asked: N problems, numbered in order."""
        ...

    def read(self, path: Path, skip_bad: bool) -> Any:
        """The problems of a file, as a record with `puzzles` and the bad lines `skipped`."""
        ...

    def verify(self, answers: Tensor, problems: Any) -> Correctness:
        """Judge answers [R, L], row r against problem r."""
        ...

    def targets(self, problems: Any) -> Tensor | None:
        """The right answers [N, L], or None for a task that has none."""
        ...

    def difficulty(self, problems: Any) -> dict[str, Tensor]:
        """Named measures of difficulty, [N] each, the chief one first."""
        ...

    def decode(self, tokens: Tensor) -> str:
        """A row of tokens [L] for people to read."""
        ...
