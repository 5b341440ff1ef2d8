"""Row noise: a lazy source of uniforms that depends on the row alone, never on its batch.

Each number is a hash of (seed, query, variation, block, the row's own step, purpose, position), so a query draws the
same numbers alone, in any batch, in any order, with or without compaction. A part that asks for nothing pays nothing.
The hash is the splitmix64 finaliser (Steele, Lea & Flood 2014, doi 10.1145/2660193.2660195), applied once per key word.
"""

import zlib
from dataclasses import dataclass

import torch
from torch import Tensor


def _signed(word: int) -> int:
    word &= (1 << 64) - 1
    return word - (1 << 64) if word >> 63 else word


_GOLDEN = _signed(0x9E3779B97F4A7C15)
_FIRST = _signed(0xBF58476D1CE4E5B9)
_SECOND = _signed(0x94D049BB133111EB)


def _shift(word: Tensor, bits: int) -> Tensor:
    """Logical right shift: torch shifts int64 arithmetically, so the copied sign bits are cleared."""
    return (word >> bits) & ((1 << (64 - bits)) - 1)


def _mix(word: Tensor) -> Tensor:
    word = (word ^ _shift(word, 30)) * _FIRST
    word = (word ^ _shift(word, 27)) * _SECOND
    return word ^ _shift(word, 31)


def absorb(key: Tensor, word: Tensor | int) -> Tensor:
    """The key after one more word: mix(key + golden·(word + 1)), int64, broadcasting."""
    return _mix(key + (_GOLDEN * (word + 1) if isinstance(word, Tensor) else _signed(_GOLDEN * (word + 1))))


def row_key(seed: int, query: Tensor, variation: Tensor) -> Tensor:
    """[B] int64 keys of rows from a seed, query ids [B] and variations [B]."""
    start = torch.full_like(query, _signed(seed))
    return absorb(absorb(absorb(start, 0), query), variation)


@dataclass(frozen=True)
class RowNoise:
    """Uniforms in [0, 1), float64, for one step of a batch of rows.

    `key` [B] from `row_key`; `block` [B] and `step` [B] are each row's own counters. `purpose` separates the numbers
    that different parts draw at the same place.
    """

    key: Tensor
    block: Tensor
    step: Tensor

    def _stream(self, purpose: str, step: Tensor | int) -> Tensor:
        return absorb(absorb(absorb(self.key, self.block), step), zlib.crc32(purpose.encode()))

    def everywhere(self, purpose: str, length: int) -> Tensor:
        """[B, length] uniforms, one per position."""
        positions = torch.arange(length, device=self.key.device)
        return _unit(absorb(self._stream(purpose, self.step)[:, None], positions))

    def at(self, purpose: str, rows: Tensor, positions: Tensor) -> Tensor:
        """[P] uniforms at packed (row, position) pairs; equal to `everywhere(purpose, L)[rows, positions]`."""
        return _unit(absorb(self._stream(purpose, self.step)[rows], positions))

    def once_a_step(self, purpose: str) -> Tensor:
        """[B] uniforms, one per row and step."""
        return _unit(absorb(self._stream(purpose, self.step), -2))

    def once_a_query(self, purpose: str) -> Tensor:
        """[B] uniforms, one per row for all of its steps and blocks."""
        return _unit(absorb(absorb(self.key, -3), zlib.crc32(purpose.encode())))


def _unit(word: Tensor) -> Tensor:
    return _shift(word, 11).to(torch.float64) * 2.0**-53
