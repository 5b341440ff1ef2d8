"""How a string lies in a sequence of fixed length: up to an end token that is predicted, or with its length given."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from torch import Tensor


class Framing(ABC):
    """How a string of n tokens lies in a sequence of L positions."""

    @abstractmethod
    def room(self, length: int) -> int:
        """The longest string of a sequence of `length` positions, in tokens."""

    @abstractmethod
    def open_positions(self, count: int, length: int) -> int:
        """How many positions are open where a string of `count` tokens is to be written anew."""

    @abstractmethod
    def open_rest(self, prefix: int, length: int, drawn: int) -> int:
        """How many positions are open behind a prefix of `prefix` tokens; `drawn` is a length for the string."""

    @abstractmethod
    def length_holds(self, answers: Tensor, inside: Tensor, end: int) -> Tensor:
        """bool [R], whether answers [R, L] have the length that was given; `inside` [R, L] marks the string."""


@dataclass(frozen=True)
class EndToken(Framing):
    """All positions behind the string are predicted too, as end tokens; an answer is cut at its first end. As MDLM and
    UDLM treat QM9 (Schiff et al. 2024, arXiv 2412.10193). An end that is committed too early cuts the molecule."""

    def room(self, length: int) -> int:
        return length - 1

    def open_positions(self, count: int, length: int) -> int:
        return length

    def open_rest(self, prefix: int, length: int, drawn: int) -> int:
        return length - prefix

    def length_holds(self, answers: Tensor, inside: Tensor, end: int) -> Tensor:
        return inside.new_ones(len(answers))


@dataclass(frozen=True)
class LengthGiven(Framing):
    """The padding is given and never noised, so that the denoiser sees how long the string is. To write molecules anew,
    lengths are drawn from those of the training strings."""

    def room(self, length: int) -> int:
        return length

    def open_positions(self, count: int, length: int) -> int:
        return count

    def open_rest(self, prefix: int, length: int, drawn: int) -> int:
        return drawn - prefix

    def length_holds(self, answers: Tensor, inside: Tensor, end: int) -> Tensor:
        return ((answers != end) == inside).all(1)


def padded(tokens: np.ndarray, length: int, end: int) -> np.ndarray:
    """int64 [L], the tokens with ends behind them."""
    row = np.full(length, end, np.int64)
    row[: len(tokens)] = tokens
    return row
