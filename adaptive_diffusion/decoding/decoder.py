"""Autoregressive decoding with continuous batching: one token per forward; finished rows leave the batch and waiting
queries take their slots."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.row_noise import RowNoise, row_key
from adaptive_diffusion.models.autoregressive import AutoregressiveTransformer, KeyValueCache
from adaptive_diffusion.rules.proposal import inverse_cdf


@dataclass(frozen=True)
class Decoded:
    """R = N·n rows, the variations of a query together, in the order of the queries.

    Attributes:
        query, variation: [R] int64.
        answers: [R, L] int64, the end token behind an end.
        written: [R] int64, tokens written, a forward each.
    """

    query: Tensor
    variation: Tensor
    answers: Tensor
    written: Tensor


@dataclass(frozen=True)
class DecodeSlots:
    """The texts being written: which row of the result each slot holds, the token to be read next, and the cache."""

    row: Tensor
    pending: Tensor
    cache: KeyValueCache

    def take(self, index: Tensor) -> "DecodeSlots":
        """The slots at `index`."""
        return DecodeSlots(self.row[index], self.pending[index], self.cache.take(index))


@dataclass(frozen=True)
class Decoder:
    """Draws x_i ~ p(x_i | x_<i)^(1/temperature) until the sequence is full or an end is drawn; temperature 0 is argmax.

    A row draws from noise of its own (seed, query, variation, place), so up to rounding of the attention over caches of
    other lengths a text does not depend on its batch.

    Raises:
        ValueError: a negative temperature.
    """

    model: AutoregressiveTransformer
    temperature: float = 1.0
    end: int | None = None

    def __post_init__(self) -> None:
        if self.temperature < 0:
            raise ValueError(f"temperature {self.temperature} is negative; 0 is argmax, 1 the model's own")

    @torch.inference_mode()
    def decode(self, queries: Queries, n: int = 1, seed: int = 0, slots: int = 256) -> Decoded:
        """Writes every query `n` times, `slots` texts at once.

        Raises:
            ValueError: n or slots below 1, or a query in which something is given after an open position.
        """
        if min(n, slots) < 1:
            raise ValueError(f"n={n} and slots={slots} must be at least 1")
        prompt = given_prefix(queries).repeat_interleave(n)
        result = _blank(queries, n)
        key = row_key(seed, result.query, result.variation)
        waiting = iter((prompt < queries.tokens.shape[1]).nonzero()[:, 0].split(1))
        slots_now = self._filled_slots(result, prompt, _next(waiting, slots))
        while len(slots_now.row):
            place = slots_now.cache.length.clone()
            hidden = self.model.read_on(slots_now.pending[:, None], slots_now.cache)[:, 0]
            token = self._drawn(self.model.logits(hidden), key[slots_now.row], place)
            result.answers[slots_now.row, place] = token
            result.written[slots_now.row] += 1
            slots_now.cache.length.add_(1)
            slots_now.pending.copy_(token)
            done = place + 1 == queries.tokens.shape[1]
            if self.end is not None:
                done |= token == self.end
            slots_now = self._refilled(slots_now, done, waiting, result, prompt)
        return self._behind_the_end(result, prompt)

    def _drawn(self, logits: Tensor, key: Tensor, place: Tensor) -> Tensor:
        if self.temperature == 0:
            return logits.argmax(-1)
        uniform = RowNoise(key, torch.zeros_like(place), place).once_a_step("decoding")
        return inverse_cdf((logits.double() / self.temperature).softmax(-1), uniform)

    def _filled_slots(self, result: Decoded, prompt: Tensor, rows: Tensor) -> DecodeSlots:
        """DecodeSlots whose prompts have been read but for the last token, which is pending (the beginning, where
        there is no prompt)."""
        sequence = result.answers[rows]
        begun = torch.cat([torch.full_like(sequence[:, :1], self.model.vocabulary), sequence], 1)
        cache, length = self.model.cache(len(rows), sequence.shape[1]), prompt[rows]
        if len(rows) and (longest := int(length.max())):
            self.model.read_on(begun[:, :longest], cache)
        cache.length.copy_(length)
        return DecodeSlots(rows, begun.gather(1, length[:, None])[:, 0], cache)

    def _refilled(
        self, slots_now: DecodeSlots, done: Tensor, waiting: Iterator[Tensor], result: Decoded, prompt: Tensor
    ) -> DecodeSlots:
        """Texts of the request queue take the slots of finished ones; once the queue is empty, the batch shrinks."""
        if not done.any():
            return slots_now
        free = done.nonzero()[:, 0]
        rows = _next(waiting, len(free))
        if len(rows):
            new, at = self._filled_slots(result, prompt, rows), free[: len(rows)]
            slots_now.row[at], slots_now.pending[at] = new.row, new.pending
            slots_now.cache.put(at, new.cache)
        if len(rows) == len(free):
            return slots_now
        stays = torch.ones_like(done).index_fill(0, free[len(rows) :], False)
        return slots_now.take(stays.nonzero()[:, 0])

    def _behind_the_end(self, result: Decoded, prompt: Tensor) -> Decoded:
        if self.end is not None:
            place = torch.arange(result.answers.shape[1], device=prompt.device)
            result.answers.masked_fill_(place >= (prompt + result.written)[:, None], self.end)
        return result


def given_prefix(queries: Queries) -> Tensor:
    """[N] int64, how many tokens are given in front.

    Raises:
        ValueError: a query in which something is given after an open position.
    """
    prefix = (~queries.editable).long().cumprod(1).sum(1)
    if not torch.equal(prefix, (~queries.editable).sum(1)):
        raise ValueError("an autoregressive model writes from left to right: what is given must come first")
    return prefix


def _blank(queries: Queries, n: int) -> Decoded:
    query = queries.ids.repeat_interleave(n)
    variation = torch.arange(n, device=query.device).repeat(len(queries))
    return Decoded(query, variation, queries.tokens.repeat_interleave(n, 0), torch.zeros_like(query))


def _next(waiting: Iterator[Tensor], count: int) -> Tensor:
    """The next `count` rows that wait, fewer if there are no more."""
    rows = list(islice(waiting, count))
    return torch.cat(rows) if rows else torch.empty(0, dtype=torch.int64)
