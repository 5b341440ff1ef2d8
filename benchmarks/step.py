"""Our step outside the trunk against diffusers' schedulers: from hidden states to the applied decision, output head
included on both sides, half of the positions open."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from adaptive_diffusion.core.corruption import Absorbing
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.state import SamplerState
from adaptive_diffusion.rules.adaptive import EntropyBound, Quota
from adaptive_diffusion.rules.order import LowEntropy
from adaptive_diffusion.rules.processor import LinearTemperature
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.step import Step, advance
from benchmarks.interleaved import race, ratio

WIDTH = 384
LENGTH = 32
STEPS = 32
AT = 7
"""The step that is timed, of `STEPS`."""
ROWS = {10: 256, 256: 256, 32_000: 16, 128_000: 16}
"""Sequences a step at each vocabulary: the slots of a sampler, fewer where logits are large (1 GB at 128,000)."""
BOUND = 0.1


class Head(nn.Linear):
    """The output head alone, as a denoiser."""

    def __init__(self, vocabulary: int):
        super().__init__(WIDTH, vocabulary)
        self.vocabulary, self.corruption = vocabulary, Absorbing(vocabulary)
        self.width, self.memory, self.time_invariant = WIDTH, None, False
        self.computes_all_blocks = True
        nn.init.normal_(self.weight, std=WIDTH**-0.5, generator=torch.Generator().manual_seed(0))
        nn.init.zeros_(self.bias)

    def evaluate(self, state: SamplerState) -> Evaluation:
        raise NotImplementedError("a head has no trunk")

    def logits(self, hidden: Tensor) -> Tensor:
        return self(hidden)


@dataclass(frozen=True)
class Case:
    """Sequences [B, L], half of whose positions are open, and hidden states [B, L, D]. Predictions range from unsure to
    certain at open positions. The others have none, so that diffusers, which ranks all positions by entropy, puts them
    last."""

    state: SamplerState
    hidden: Tensor

    @staticmethod
    def of(sampler: Sampler) -> "Case":
        vocabulary = sampler.denoiser.vocabulary
        rows = ROWS[vocabulary]
        generator = torch.Generator().manual_seed(0)
        tokens = torch.randint(vocabulary, (rows, LENGTH), generator=generator)
        ranks = torch.rand(rows, LENGTH, generator=generator).argsort(1).argsort(1)
        committed = ranks < LENGTH // 2
        queries = Queries.of(tokens, torch.ones(rows, LENGTH))
        state = sampler.begin(queries, torch.zeros(rows, dtype=torch.int64), seed=0)
        state = replace(
            state,
            tokens=torch.where(committed, tokens, vocabulary),
            committed=committed,
            step=torch.full_like(state.step, AT),
        )
        sharpness = 1 + 15 * torch.rand(rows, LENGTH, 1, generator=generator)
        hidden = torch.randn(rows, LENGTH, WIDTH, generator=generator) * sharpness
        return Case(state, hidden * ~committed[..., None])


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    """Rows `step/RULE-VOCABULARY`; `ratio` is our time over diffusers' for the same decision."""
    for rule in (block_refinement, entropy_bound):
        for vocabulary in (10, 256, 32_000) if quick else ROWS:
            yield rule(Head(vocabulary).eval(), 15 if vocabulary < 1000 else 3 if quick else 15)


@torch.inference_mode()
def block_refinement(head: Head, repeats: int) -> dict[str, Any]:
    """{c > .95} or the quota of the best, by the argmax."""
    from diffusers import BlockRefinementScheduler

    sampler = Sampler(head, pace=Quota(0.95, STEPS))
    case = Case.of(sampler)
    peer = BlockRefinementScheduler(LENGTH, STEPS)
    peer.set_timesteps(STEPS)

    def theirs() -> Any:
        return peer.step(head.logits(case.hidden), AT, case.state.tokens, mask_token_id=head.vocabulary)

    def ours() -> Step:
        return advance(sampler, case.state, Evaluation(case.hidden), STEPS)

    described = theirs()
    same = ours().after.tokens == described.prev_sample
    return compared("block_refinement", head, same, int(described.transfer_index.sum()), ours, theirs, repeats)


@torch.inference_mode()
def entropy_bound(head: Head, repeats: int) -> dict[str, Any]:
    """The largest prefix by entropy with ΣH − max H ≤ γ, of tokens drawn at the step's temperature."""
    from diffusers import EntropyBoundScheduler

    temperature = LinearTemperature(STEPS, 0.8, 0.4)
    sampler = Sampler(head, proposal=Draw(), order=LowEntropy(), pace=EntropyBound(BOUND), processors=(temperature,))
    case = Case.of(sampler)
    peer = EntropyBoundScheduler(BOUND, num_inference_steps=STEPS)

    def theirs() -> Any:
        return peer.step(head.logits(case.hidden), AT, case.state.tokens)

    def ours() -> Step:
        return advance(sampler, case.state, Evaluation(case.hidden), STEPS)

    accepted = theirs().accepted_index & case.state.open
    same = (ours().decision.write == accepted) | ~case.state.open
    return compared("entropy_bound", head, same, int(accepted.sum()), ours, theirs, repeats)


def compared(rule: str, head: Head, same: Tensor, commits: int, ours: Any, theirs: Any, repeats: int) -> dict[str, Any]:
    """The row of a rule. Raises where the two decide differently beyond ties of rounding: a ratio of different
    decisions would mean nothing."""
    if same.double().mean() < 0.999:
        raise AssertionError(
            f"{rule} at {head.vocabulary} tokens: {int((~same).sum())} positions were decided otherwise"
        )
    our, their = race(ours, theirs, repeats)
    return {
        "name": f"step/{rule}-{head.vocabulary}",
        "vocab": head.vocabulary,
        **ratio(our, their),
        "our_milliseconds": 1e3 * median(our.wall),
        "their_milliseconds": 1e3 * median(their.wall),
        "rows": len(same),
        "length": LENGTH,
        "width": WIDTH,
        "commits": commits,
        "decided_otherwise": int((~same).sum()),
        "repeats": repeats,
    }
