"""Views count their forwards, see what they should and no more; self-conditioning hands its prediction on."""

import pytest
import torch
from small_worlds import random_queries, sampler_state, table, transformer
from torch import nn

from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.heads import DenoiserWithHeads, QualityHead
from adaptive_diffusion.models.oracle import OracleDenoiser
from adaptive_diffusion.models.positions import LearnedPositions, RelationalPositions, RotaryPositions
from adaptive_diffusion.models.wrappers import NoisePlanner, Planned, ShadowVerified, shadow_attention
from adaptive_diffusion.rules.plans.ddpd import PlannedDenoising
from adaptive_diffusion.rules.plans.wino import WideInNarrowOut
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling import Sampler
from adaptive_diffusion.sampling.step import step


@pytest.mark.parametrize("kind", [LearnedPositions, RelationalPositions, RotaryPositions])
def test_the_shadow_leaves_the_tokens_prediction_as_it_was(kind):
    plain = transformer(positions=kind([[i] for i in range(9)]))
    state = Sampler(plain).begin(random_queries(3, 9, 5), torch.zeros(3).long(), 0)
    evaluation = ShadowVerified(DenoiserWithHeads(plain)).evaluate(state)
    torch.testing.assert_close(evaluation.hidden, plain.evaluate(state).hidden, atol=1e-5, rtol=1e-5)
    assert (evaluation.forwards, evaluation.token_forwards) == (1, 18)


def test_a_one_layer_shadow_cannot_see_its_own_token_but_sees_the_others():
    view = ShadowVerified(DenoiserWithHeads(transformer(depth=1)))
    judged = [[0, 1, 2, 3, 4, 0, 1, 2, 3], [4, 1, 2, 3, 4, 0, 1, 2, 3]]
    output = []
    trunk = view.transformer
    logits = trunk.logits
    trunk.logits = lambda hidden: output.append(logits(hidden)[:18].view(2, 9, 5)) or logits(hidden)
    with torch.no_grad():
        view.evaluate(sampler_state(judged, committed=[[1] * 9] * 2, corruption=Absorbing(5)))
    torch.testing.assert_close(output[0][0, 0], output[0][1, 0])
    assert not torch.allclose(output[0][0, 1], output[0][1, 1])


def test_the_shadow_keeps_the_quality_of_the_heads():
    view = ShadowVerified(DenoiserWithHeads(transformer(), {"quality": QualityHead(32)}))
    sampler = Sampler(view, plan=WideInNarrowOut(0.1, 1.0, most=3))
    state = sampler.begin(random_queries(3, 9, 5), torch.zeros(3).long(), 0)
    assert {"quality", "verified"} <= set(view.evaluate(state).summaries)
    result = sampler.sample(random_queries(6, 9, 5))
    assert torch.equal(result.token_forwards, result.nfe * 18)
    assert result.revisions.any()


def test_a_view_of_one_block_is_not_taken_over_into_the_next():
    """A drafted block changes nothing, but the shadows of the next block see each other and not those before."""
    tokens = random_queries(1, 9, 5).tokens
    everywhere = torch.ones(1, 9, dtype=torch.bool)
    drafted = torch.tensor([[True] * 6 + [False] * 3])
    seen = []
    sampler = Sampler(ShadowVerified(DenoiserWithHeads(transformer())), plan=WideInNarrowOut(0.1, 1.0), block_length=3)
    with pytest.warns(UserWarning, match="revised nothing"):
        sampler.sample(Queries(torch.tensor([0]), tokens, everywhere, drafted), observers=[seen.append])
    assert seen[1].before.block.tolist() == [1]
    with torch.inference_mode():
        verified = sampler.denoiser.evaluate(seen[1].before).summaries["verified"]
    torch.testing.assert_close(seen[1].prediction["verified"], verified)


def test_shadows_see_the_other_tokens_and_the_shadows_of_their_block():
    attend = shadow_attention(torch.tensor([[False, True, True]]))[0].int().tolist()
    tokens = [[1, 1, 1, 0, 0, 0]] * 3
    assert attend == [*tokens, [0, 1, 1, 1, 0, 0], [1, 0, 1, 0, 1, 1], [1, 1, 0, 0, 1, 1]]


def test_a_shadow_of_a_denoiser_under_uniform_noise_is_refused():
    with pytest.raises(ValueError, match="trained under masks"):
        ShadowVerified(DenoiserWithHeads(transformer(corruption=Uniform(5))))


class Says(nn.Module):
    def __init__(self, logit):
        super().__init__()
        self.logit = logit

    def forward(self, state):
        return self.logit.expand(state.tokens.shape)


class Sees(nn.Module):
    corruption, vocabulary = Absorbing(3), 3
    width, memory, time_invariant, computes_all_blocks = 3, None, True, True

    def evaluate(self, state):
        self.state = state
        return OracleDenoiser.of_table(table(), self.corruption).evaluate(state)

    def logits(self, hidden):
        return hidden


def test_the_denoiser_sees_masks_where_the_planner_sees_noise():
    inner = Sees()
    view = Planned(inner, Says(torch.tensor([50.0, -50.0, 50.0, 50.0])))
    state = sampler_state([[0, 1, 2, 0]], editable=[[1, 1, 1, 0]], corruption=view.corruption)
    evaluation = view.evaluate(state)
    assert inner.state.tokens.tolist() == [[3, 1, 3, 0]]
    assert evaluation.summaries["planned"].tolist() in ([[True, False, False, False]], [[False, False, True, False]])
    assert inner.state.noise_level.tolist() == pytest.approx([2 / 3])
    assert evaluation.forwards == 2
    assert view.corruption == Uniform(3)


def test_the_drawn_position_is_always_masked():
    """The planner expects no noise anywhere, so that nothing but the drawn position is masked."""
    inner, rows = Sees(), 300
    view = Planned(inner, Says(torch.tensor([-50.0, -50.0, -51.0, -49.0])))
    state = sampler_state([[0, 1, 2, 0]] * rows, editable=[[1, 1, 1, 0]] * rows, corruption=view.corruption)
    planned = view.evaluate(state).summaries["planned"]
    assert torch.equal(inner.state.tokens == 3, planned)
    assert (planned.sum(1) == 1).all()
    assert not planned[:, 3].any()
    share = planned.double().mean(0)[:3]
    expected = torch.tensor([-50.0, -50.0, -51.0], dtype=torch.float64).softmax(0)
    assert (share - expected).abs().max() < 5 * 0.5 / rows**0.5


def test_temperature_tempers_the_draw_of_the_position():
    inner = Sees()
    cold = Planned(inner, Says(torch.tensor([-50.0, -49.0, -50.0, -50.0])), temperature=0.01)
    state = sampler_state([[0, 1, 2, 0]] * 50, corruption=cold.corruption)
    assert cold.evaluate(state).summaries["planned"][:, 1].all()
    with pytest.raises(ValueError, match="temperature 0"):
        Planned(inner, nn.Identity(), temperature=0)


def test_a_planner_and_a_denoiser_sample_together():
    planner = NoisePlanner(
        DenoiserWithHeads(transformer(corruption=Uniform(5)), {"quality": QualityHead(32, init_bias=-3.0)})
    )
    sampler = Sampler(Planned(transformer(), planner), proposal=Draw(), plan=PlannedDenoising(6))
    result = sampler.sample(random_queries(5, 9, 5))
    assert (result.nfe == 12).all()
    assert (result.answers < 5).all()


def test_a_planner_needs_masks_below_it():
    with pytest.raises(ValueError, match="trained under masks"):
        Planned(transformer(corruption=Uniform(5)), nn.Identity())


def test_self_conditioning_shows_the_last_prediction_and_starts_as_if_it_were_not_there():
    plain, described = transformer(), transformer(self_conditioning=True)
    described.load_state_dict(plain.state_dict() | {"recall.weight": described.recall.weight})
    queries = random_queries(5, 9, 5)
    assert torch.equal(Sampler(described).sample(queries).answers, Sampler(plain).sample(queries).answers)
    with torch.no_grad():
        described.recall.weight.copy_(torch.eye(32) * 30)
    sampler = Sampler(described)
    state = sampler.begin(queries, torch.zeros(5).long(), 0)
    name = "self_conditioning.expected"
    assert not state.carry[name].any()
    done = step(sampler, state, 99)
    logits = described.logits(done.prediction.evaluation.hidden)
    expected = (logits.softmax(-1) @ described.tokens.weight[:5]) * queries.editable[..., None]
    torch.testing.assert_close(done.after.carry[name], expected, atol=1e-5, rtol=1e-5)
    without = described.hidden(done.after.tokens, done.after.status, done.after.noise_level)
    assert not torch.allclose(described.evaluate(done.after).hidden, without)


def test_the_heads_hand_on_what_the_denoiser_remembers():
    assert DenoiserWithHeads(transformer()).memory is None
    assert DenoiserWithHeads(transformer(self_conditioning=True)).memory is not None


def test_a_planner_is_a_quality_head_turned_round():
    model = DenoiserWithHeads(transformer(corruption=Uniform(5)), {"quality": QualityHead(32, init_bias=2.0)})
    state = Sampler(model).begin(random_queries(3, 9, 5), torch.zeros(3).long(), 0)
    torch.testing.assert_close(NoisePlanner(model)(state).sigmoid(), 1 - model.evaluate(state).summaries["quality"])
    with pytest.raises(ValueError, match="no head 'quality'"):
        NoisePlanner(DenoiserWithHeads(transformer(corruption=Uniform(5))))


def test_under_uniform_noise_the_denoiser_does_not_depend_on_what_is_committed():
    described = sampler_state([[0, 1, 2]], committed=[[1, 0, 0]], editable=[[1, 1, 0]])
    assert described.status.tolist() == [[1, 2, 0]]
    assert sampler_state(
        [[0, 1, 2]], committed=[[1, 0, 0]], editable=[[1, 1, 0]], corruption=Uniform(3)
    ).status.tolist() == [[2, 2, 0]]
