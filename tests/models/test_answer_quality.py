"""The head that judges complete answers: its start, its loss by hand, and a rule that begins anew by it."""

import pytest
import torch
from small_worlds import sampler_state, transformer
from torch.nn import functional as F

from adaptive_diffusion.core.loss_inputs import LossInputs, StepOutcome
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.answer_quality import AnswerQualityHead
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.rules.adaptive import EntropyBound
from adaptive_diffusion.rules.order import LowEntropy
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.rules.remasking import BeginAnewIfDoubted
from adaptive_diffusion.rules.revision_limits import RevisionLimits
from adaptive_diffusion.sampling.sampler import Sampler


def outcome(right, answer):
    """That of a step which takes back what stands: its answers are as good as the `right` ones, [B] in [0, 1], are
    bad."""
    score = torch.tensor(right)
    return StepOutcome(  # type: ignore[arg-type]
        None, None, torch.tensor(answer), 1 - score, lambda answers: score.where((answers == 0).all(1), 1 - score)
    )


def head_with_weights(bias=0.0):
    torch.manual_seed(0)
    head = AnswerQualityHead(32, init_bias=bias)
    torch.nn.init.normal_(head.all[-1].weight)
    return head


def test_an_untrained_head_trusts_every_answer():
    model = DenoiserWithHeads(transformer(), {"answer_quality": AnswerQualityHead(32)})
    found = model.evaluate(sampler_state([[0, 1, 5], [2, 5, 5]])).summaries["answer_quality"]
    torch.testing.assert_close(found, torch.full((2, 3), 3.0).sigmoid())


def test_the_loss_is_that_of_full_sequences_alone_as_they_stood():
    head = head_with_weights()
    hidden = torch.randn(3, 4, 32, generator=torch.Generator().manual_seed(1))
    state = sampler_state([[0] * 4] * 3, committed=[[1, 1, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]])
    inputs = LossInputs(None, state, state.tokens, hidden, outcome([1.0, 1.0, 0.0], [[1] * 4] * 3))
    logit = head(hidden)
    expected = (F.softplus(-logit[0]) + F.softplus(logit[2])) / 2
    torch.testing.assert_close(head.loss(inputs), expected)


def test_states_without_a_full_sequence_teach_nothing():
    head, hidden = head_with_weights(), torch.randn(1, 2, 32)
    state = sampler_state([[0, 0]], committed=[[1, 0]])
    loss = head.loss(LossInputs(None, state, state.tokens, hidden, outcome([1.0], [[1, 1]])))
    assert loss is not None
    loss.backward()
    assert loss == 0
    assert all(not each.grad.any() for each in head.parameters())
    assert head.loss(LossInputs(None, state, state.tokens, hidden)) is None


@torch.no_grad()
def test_an_answer_is_judged_the_same_alone_and_in_a_batch():
    head, hidden = head_with_weights(), torch.randn(64, 5, 32)
    together = head(hidden)
    for rows in (1, 7, 33):
        assert torch.equal(head(hidden[:rows]), together[:rows])


@pytest.mark.parametrize(("bias", "drawn"), [(9.0, 1), (-9.0, 3)])
def test_a_doubted_answer_is_begun_anew_as_often_as_the_limits_allow(bias, drawn):
    """Two tokens, one a forward: three forwards an answer, the third of which judges it. Twice anew at most."""
    model = DenoiserWithHeads(transformer(), {"answer_quality": AnswerQualityHead(32, init_bias=bias)})
    sampler = Sampler(
        model,
        proposal=Draw(),
        order=LowEntropy(),
        pace=EntropyBound(0.0),
        remasking=BeginAnewIfDoubted(),
        limits=RevisionLimits(each=2, total=64, memory=1),
    )
    queries = Queries(ids=torch.arange(4), tokens=torch.full((4, 2), 5), editable=torch.ones(4, 2, dtype=torch.bool))
    result = sampler.sample(queries, seed=0)
    assert result.nfe.tolist() == [3 * drawn] * 4
    assert (result.answers < 5).all()
