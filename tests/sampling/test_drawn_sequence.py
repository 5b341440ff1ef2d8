"""The external planner looks at the sequence that the sampler would have if every draw were written."""

import pytest
import torch
from small_worlds import random_queries, transformer

from adaptive_diffusion.models.heads import DenoiserWithHeads, QualityHead
from adaptive_diffusion.rules.plans.ranking import ExternalPlanning
from adaptive_diffusion.rules.processor import TopK
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling.drawn_sequence import DrawnSequenceQuality, planned_sampler
from adaptive_diffusion.sampling.sampler import Sampler


def model():
    torch.manual_seed(0)
    head = QualityHead(32)
    torch.nn.init.normal_(head.out.weight)
    return DenoiserWithHeads(transformer(), {"quality": head}).eval()


def test_the_planner_sees_what_the_sampler_draws_in_a_forward_of_its_own():
    seen = []
    inner = model()
    evaluate = inner.denoiser.evaluate
    inner.denoiser.evaluate = lambda state: seen.append(state) or evaluate(state)
    sampler = planned_sampler(
        inner, lambda denoiser: Sampler(denoiser, proposal=Draw(), plan=ExternalPlanning(4), processors=(TopK(3),))
    )
    steps, queries = [], random_queries(5, 9, 5)
    result = sampler.sample(queries, seed=2, observers=[steps.append])
    assert len(seen) == 2 * len(steps)
    assert (result.nfe == 8).all()
    for step, drawn in zip(steps, seen[1::2], strict=True):
        candidate = sampler.proposal(step.before, step.prediction).token
        expected = torch.where(step.before.editable, candidate, step.before.tokens)
        assert torch.equal(drawn.tokens, expected)
        assert torch.equal(drawn.committed, step.before.editable)
        with torch.inference_mode():
            quality = inner.with_summaries(evaluate(drawn)).summaries["quality"]
        torch.testing.assert_close(step.prediction["drawn_quality"], quality)


def test_a_planner_needs_a_quality_head():
    with pytest.raises(ValueError, match="no head 'quality'"):
        DrawnSequenceQuality(DenoiserWithHeads(transformer()), Draw())
