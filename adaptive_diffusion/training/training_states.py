"""Where training sequences come from: random masks, the model's own draws, and live slots of the real sampler.

All randomness is row noise keyed by the seed and the number of the puzzle, so a resumed run sees the same sequences.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.prediction import Evaluation
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.step import Step, advance
from adaptive_diffusion.training.time_sampling import LowDiscrepancy, TimeSampling


class TrainingStates(ABC):
    """A source of sequences. `rows` says how many it puts into each batch."""

    rows: int

    @abstractmethod
    def begin(self, model: DenoiserWithHeads, fresh: Batch, seed: int) -> tuple[SamplerState, Tensor]:
        """TrainingStates for this batch and their truth [B, L], from `rows` new queries (of which it may leave
        some)."""

    def advance(self, evaluation: Evaluation) -> Step | None:
        """Told of the forward over its sequences; a live source moves on."""
        return None

    def state_dict(self) -> dict:
        """What it must keep for an exact resume."""
        return {}

    def load_state_dict(self, state: dict) -> None:
        """The inverse of `state_dict`."""
        return


class RandomMasking(TrainingStates):
    """Clean answers with a random share of the editable positions noised, visible answer tokens given or committed.

    Args:
        rows: sequences a batch.
        wrong: the largest share of committed tokens replaced by a uniformly drawn one; each row draws its own share.
        given: probability that a row's visible answer tokens count as given instead of committed.
        levels: how the batch draws its noise levels; spaced evenly by default.
    """

    def __init__(self, rows: int, wrong: float = 0.0, given: float = 0.3, time_sampling: TimeSampling | None = None):
        self.rows, self.wrong, self.given = rows, wrong, given
        self.time_sampling = time_sampling or LowDiscrepancy()

    def begin(self, model: DenoiserWithHeads, fresh: Batch, seed: int) -> tuple[SamplerState, Tensor]:
        state = Sampler(model).begin(fresh.queries, torch.zeros_like(fresh.queries.ids), seed)
        length, noise = state.tokens.shape[1], state.noise
        t = self.time_sampling(noise.once_a_query("t"))
        visible = state.editable & (noise.everywhere("mask", length) >= t[:, None])
        given = visible & (noise.once_a_query("given") < self.given)[:, None]
        committed = visible & ~given
        share = self.wrong * noise.once_a_query("wrong")[:, None]
        wrong = committed & (noise.everywhere("wrong", length) < share)
        other = (noise.everywhere("other", length) * model.vocabulary).long()
        tokens = torch.where(visible, torch.where(wrong, other, fresh.clean), state.tokens)
        editable = state.editable & ~given
        return replace(
            state, tokens=tokens, editable=editable, eligible=editable, committed=committed, noise_level=t
        ), fresh.clean


class SelfGenerated(TrainingStates):
    """Random masks of which a random part is then filled with tokens drawn from the model's own prediction, at the
    price of one more forward without gradient (Kim et al. 2025b, PRISM, arXiv 2510.01384)."""

    def __init__(self, rows: int):
        self.rows = rows
        self.masks = RandomMasking(rows, given=0.0)

    @torch.no_grad()
    def begin(self, model: DenoiserWithHeads, fresh: Batch, seed: int) -> tuple[SamplerState, Tensor]:
        state, clean = self.masks.begin(model, fresh, seed)
        drawn = advance(Sampler(model, proposal=Draw()), state, model.evaluate(state), 1 << 30).prediction["drawn"]
        part = state.noise.everywhere("part", clean.shape[1]) < state.noise.once_a_query("part")[:, None]
        write = state.open & part
        tokens = torch.where(write, drawn, state.tokens)
        return replace(state, tokens=tokens, committed=state.committed | write), clean


class OnPolicyRollouts(TrainingStates):
    """Slots of a real sampler that trains while it samples: the forward that gives the loss also advances the slot, and
    finished slots are refilled with new queries.

    Args:
        rows: slots.
        sampler: a `Sampler` without its denoiser; its random thresholds make hasty and careful rows meet.
        max_steps: a row that takes longer leaves.
    """

    def __init__(self, rows: int, sampler: Callable[..., Sampler], max_steps: int = 24):
        self.rows, self.recipe, self.max_steps = rows, sampler, max_steps
        self.sampler: Sampler | None = None
        self.state: SamplerState | None = None
        self.clean: Tensor | None = None
        self._kept: dict = {}

    def begin(self, model: DenoiserWithHeads, fresh: Batch, seed: int) -> tuple[SamplerState, Tensor]:
        self.sampler = self.sampler or self.recipe(denoiser=model)
        new = self.sampler.begin(fresh.queries, torch.zeros_like(fresh.queries.ids), seed)
        if self.state is None or self.clean is None:
            self.state, self.clean = self._restored(new, fresh.clean)
        free = (~self.state.running).nonzero()[:, 0]
        ready = torch.arange(len(free), device=free.device)
        self.state = self.state.put(free, new.take(ready))
        self.clean = self.clean.index_copy(0, free, fresh.clean[ready])
        return self.state, self.clean

    @torch.no_grad()
    def advance(self, evaluation: Evaluation) -> Step:
        assert self.sampler is not None
        assert self.state is not None
        step = advance(self.sampler, self.state, evaluation, self.max_steps)
        self.state = step.after
        return step

    def state_dict(self) -> dict:
        if self.state is None:
            return {}
        tensors = {name: value for name, value in vars(self.state).items() if isinstance(value, Tensor)}
        return {"state": tensors, "carry": dict(self.state.carry), "clean": self.clean}

    def load_state_dict(self, state: dict) -> None:
        self._kept = state

    def _restored(self, new: SamplerState, clean: Tensor) -> tuple[SamplerState, Tensor]:
        if not self._kept:
            return new, clean
        return replace(new, **self._kept["state"], carry=self._kept["carry"]), self._kept["clean"]
