"""Countdown problems in columns, and the limits within which their numbers lie."""

from dataclasses import dataclass

from torch import Tensor

from adaptive_diffusion.core.rows import Rows
from adaptive_diffusion.tasks.countdown.kernels import MOST_NUMBERS


@dataclass(frozen=True)
class Limits:
    """Which problems there are.

    Attributes:
        numbers: n, how many numbers are given.
        largest_number: they lie in 1..largest_number.
        least_target, largest_target: the range of targets.
        largest: the largest result of an equation; results are whole numbers from 0 on.

    Raises:
        ValueError: fewer than 2 or more than 6 numbers, or limits that contradict each other.
    """

    numbers: int = 4
    largest_number: int = 99
    least_target: int = 10
    largest_target: int = 100
    largest: int = 999

    def __post_init__(self) -> None:
        if not 2 <= self.numbers <= MOST_NUMBERS:
            raise ValueError(f"a problem has 2 to {MOST_NUMBERS} numbers, not {self.numbers}")
        if not 0 <= self.least_target <= self.largest_target <= self.largest:
            targets = f"{self.least_target}..{self.largest_target}"
            raise ValueError(f"targets {targets} must be an ascending range within 0..largest, which is {self.largest}")
        if not 1 <= self.largest_number <= self.largest < 10_000:
            raise ValueError(
                f"largest_number is {self.largest_number} and largest {self.largest}; "
                "they must satisfy 1 <= largest_number <= largest < 10000"
            )


@dataclass(frozen=True)
class CountdownProblems(Rows):
    """N problems.

    Attributes:
        numbers: int64 [N, n], largest first: their order means nothing.
        target: int64 [N].
        equations: int64 [N, n − 1, 4], a right derivation: a, sign (0 to 3 for + − × ÷), b, c with a ∘ b = c and a ≥ b;
            of generated problems the solver's first one.
    """

    numbers: Tensor
    target: Tensor
    equations: Tensor

    def __len__(self) -> int:
        return len(self.target)
