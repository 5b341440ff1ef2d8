"""A sequence that did not change is not computed again, and nothing but the count of forwards differs."""

from dataclasses import replace

import pytest
import torch
from small_worlds import random_queries, transformer

from adaptive_diffusion.models.heads import DenoiserWithHeads, QualityHead
from adaptive_diffusion.models.wrapper import DenoiserWrapper
from adaptive_diffusion.rules.order import Random
from adaptive_diffusion.rules.pace import Ancestral, Threshold
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.rules.remdm import Cap
from adaptive_diffusion.sampling import Sampler
from adaptive_diffusion.sampling.slots import continuous, frozen

QUERIES = random_queries(24, 9, 5)


class Recomputed(DenoiserWrapper):
    """The same denoiser, whose evaluations are never used twice: the default of wrappers."""


def model():
    quality = QualityHead(32)
    torch.nn.init.normal_(quality.out.weight)
    return DenoiserWithHeads(transformer(), {"quality": quality}).eval()


SAMPLERS = {
    "ancestral": {"proposal": Draw(), "order": Random(), "pace": Ancestral(24)},
    "remasking": {"proposal": Draw(), "order": Random(), "pace": Ancestral(24), "remasking": Cap(0.05)},
    "in blocks": {"proposal": Draw(), "order": Random(), "pace": Ancestral(8), "block_length": 3},
}


@pytest.mark.parametrize("loop", [continuous, frozen])
@pytest.mark.parametrize("name", SAMPLERS)
def test_answers_are_the_same_to_the_bit_at_fewer_forwards(name, loop):
    sampler = Sampler(model(), **SAMPLERS[name])
    ours = sampler.sample(QUERIES, n=2, seed=3, slots=7, loop=loop)
    again = replace(sampler, denoiser=Recomputed(sampler.denoiser)).sample(QUERIES, n=2, seed=3, slots=7, loop=loop)
    assert torch.equal(ours.answers, again.answers)
    assert torch.equal(ours.log_probability, again.log_probability)
    assert torch.equal(ours.steps, again.steps)
    assert torch.equal(again.nfe, again.steps)
    assert (ours.nfe <= ours.steps).all()
    assert ours.nfe.sum() < 0.7 * ours.steps.sum()
    assert torch.equal(ours.token_forwards, ours.nfe * 9)


def test_the_count_of_forwards_is_that_of_steps_before_which_something_changed():
    changed = []

    def observe(step):
        before, after = step.before, step.after
        same = (before.tokens == after.tokens).all(1) & (before.status == after.status).all(1)
        changed.append((before.query, after.running & before.running & ~same))

    result = Sampler(model(), **SAMPLERS["ancestral"]).sample(QUERIES, seed=1, observers=[observe])
    counts = torch.ones(len(QUERIES), dtype=torch.int64)  # the first forward of each row
    for query, mask in changed:
        counts.index_add_(0, query[mask], torch.ones(int(mask.sum()), dtype=torch.int64))
    assert torch.equal(result.nfe, counts)


def test_a_query_costs_the_same_alone_and_in_company():
    sampler = Sampler(model(), **SAMPLERS["ancestral"])
    together = sampler.sample(QUERIES, seed=3)
    for row in (0, 7, 23):
        alone = sampler.sample(QUERIES.take(torch.tensor([row])), seed=3)
        assert torch.equal(alone.answers[0], together.answers[row])
        assert alone.nfe[0] == together.nfe[row]


def test_a_denoiser_that_is_given_the_time_computes_every_step():
    timed = transformer(time_conditioning=True)
    assert not timed.time_invariant
    result = Sampler(timed, **SAMPLERS["ancestral"]).sample(QUERIES, seed=3)
    assert torch.equal(result.nfe, result.steps)


def test_without_idle_steps_nothing_is_saved():
    result = Sampler(model(), pace=Threshold(0.5)).sample(QUERIES)
    assert torch.equal(result.nfe, result.steps)
