"""The states a model is trained on: random masks, the model's own draws, and rollouts of the real sampler.

All randomness is row noise keyed by the seed and the number of the query, so a resumed run sees the same states.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.rule import open_share
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.models.heads import SELF_GENERATED, DenoiserWithHeads
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.step import Step, advance
from adaptive_diffusion.training.time_sampling import LowDiscrepancy, TimeSampling


class TrainingStates(ABC):
    """A source of partially noised sequences. `rows` is how many it puts into each batch."""

    rows: int

    @abstractmethod
    def begin(self, model: DenoiserWithHeads, batch: Batch, seed: int) -> tuple[SamplerState, Batch]:
        """States for this step of training and the problems they belong to, from `rows` new problems (some of which it
        may leave unused)."""

    def advance(self, evaluation: Evaluation) -> Step | None:
        """The sampler's step that follows from the evaluation of its states; None for states that no sampler drives."""
        return None

    def state_dict(self) -> dict:
        """What an exact resume needs."""
        return {}

    def load_state_dict(self, state: dict) -> None:
        """The inverse of `state_dict`."""
        return


@torch.no_grad()
def wrong_tokens(model: DenoiserWithHeads) -> Tensor:
    """[N] int64, ascending, the tokens that may be drawn in the place of a right one: those that noise is drawn from
    and that the denoiser may predict. A mask among the tokens has a logit of −∞, and so has padding that is no
    answer."""
    like = next(model.parameters(), torch.zeros(()))
    logits = model.logits(like.new_zeros(1, model.width))[0, : model.corruption.noise_tokens(model.vocabulary)]
    return (~logits.isneginf()).nonzero()[:, 0]


def evaluated_state(model: DenoiserWithHeads, state: SamplerState) -> SamplerState:
    """A training state as the denoiser sees it: it carries what the denoiser's memory reads in training, no more."""
    return replace(state, carry={} if model.memory is None else model.memory.in_training(state))


class RandomMasking(TrainingStates):
    """Clean answers with a random share of the editable positions noised, visible answer tokens given or committed.

    Args:
        rows: sequences a batch.
        wrong: the largest share of committed tokens replaced by a uniformly drawn one; each row draws its own share.
        given: probability that a row's visible answer tokens count as given instead of committed.
        time_sampling: how the noise levels of a batch are drawn; by default `LowDiscrepancy`, which spaces them evenly.
    """

    def __init__(self, rows: int, wrong: float = 0.0, given: float = 0.3, time_sampling: TimeSampling | None = None):
        self.rows, self.wrong, self.given = rows, wrong, given
        self.time_sampling = time_sampling or LowDiscrepancy()

    def begin(self, model: DenoiserWithHeads, batch: Batch, seed: int) -> tuple[SamplerState, Batch]:
        undrafted = replace(batch.queries, drafted=None)
        state = Sampler(model).begin(undrafted, torch.zeros_like(batch.queries.ids), seed)
        length, noise = state.tokens.shape[1], state.noise
        t = self.time_sampling(noise.once_a_query("t"))
        visible = state.editable & (noise.everywhere("mask", length) >= t[:, None])
        given = visible & (noise.once_a_query("given") < self.given)[:, None]
        committed = visible & ~given
        share = self.wrong * noise.once_a_query("wrong")[:, None]
        wrong = committed & (noise.everywhere("wrong", length) < share)
        tokens = wrong_tokens(model)
        other = tokens[(noise.everywhere("other", length) * len(tokens)).long()]
        tokens = torch.where(visible, torch.where(wrong, other, batch.clean), state.tokens)
        editable = state.editable & ~given
        level = state.corruption.schedule.inverse(1 - t)
        return replace(
            state, tokens=tokens, editable=editable, eligible=editable, committed=committed, noise_level=level
        ), batch


class SelfGenerated(TrainingStates):
    """Random masks of which a random part is then filled with tokens drawn from the model's own prediction, at the
    price of one more forward without gradient (Kim et al. 2025b, PRISM, arXiv 2510.01384). The carry `SELF_GENERATED`
    marks the drawn tokens.

    Args:
        rows: sequences per batch.
    """

    def __init__(self, rows: int):
        self.rows = rows
        self.masks = RandomMasking(rows, given=0.0)

    @torch.no_grad()
    def begin(self, model: DenoiserWithHeads, batch: Batch, seed: int) -> tuple[SamplerState, Batch]:
        state, batch = self.masks.begin(model, batch, seed)
        drawn = advance(Sampler(model, proposal=Draw()), state, model.evaluate(state), 1 << 30).prediction["drawn"]
        part = state.noise.everywhere("part", drawn.shape[1]) < state.noise.once_a_query("part")[:, None]
        write = state.open & part
        tokens = torch.where(write, drawn, state.tokens)
        state = replace(state, tokens=tokens, committed=state.committed | write)
        level = open_share(state, state.open.sum(1))
        return replace(state, noise_level=level, carry={**state.carry, SELF_GENERATED: write}), batch


class OnPolicyRollouts(TrainingStates):
    """Slots of a real sampler that trains while it samples: the forward that gives the loss also advances the slot, and
    finished slots are refilled with new queries.

    Args:
        rows: slots.
        sampler: a `Sampler` without its denoiser; random thresholds make it meet low and high ones.
        max_steps: a row that takes longer leaves.
    """

    def __init__(self, rows: int, sampler: Callable[..., Sampler], max_steps: int = 24):
        self.rows, self.unbound, self.max_steps = rows, sampler, max_steps
        self.sampler: Sampler | None = None
        self.state: SamplerState | None = None
        self.batch: Batch | None = None
        self._saved: dict = {}

    def begin(self, model: DenoiserWithHeads, batch: Batch, seed: int) -> tuple[SamplerState, Batch]:
        self.sampler = self.sampler or self.unbound(denoiser=model)
        new = self.sampler.begin(batch.queries, torch.zeros_like(batch.queries.ids), seed)
        if self.state is None or self.batch is None:
            self.state, self.batch = self._restored(new, batch)
        free = (~self.state.running).nonzero()[:, 0]
        ready = torch.arange(len(free), device=free.device)
        self.state = self.state.put(free, new.take(ready))
        self.batch = self.batch.put(free, batch.take(ready))
        return self.state, self.batch

    @torch.no_grad()
    def advance(self, evaluation: Evaluation) -> Step:
        assert self.sampler is not None
        assert self.state is not None
        step = advance(self.sampler, self.state, evaluation, self.max_steps)
        self.state = step.after
        return step

    def state_dict(self) -> dict:
        if self.state is None or self.batch is None:
            return {}
        return {"state": self.state.state_dict(), "batch": self.batch.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        self._saved = state

    def _restored(self, new: SamplerState, batch: Batch) -> tuple[SamplerState, Batch]:
        if not self._saved:
            return new, batch
        return new.restored(self._saved["state"]), batch.restored(self._saved["batch"])
