"""Block refinement, discrete DDIM and its corrector, and the entropy bound beside diffusers, on the same logits."""

import math
from dataclasses import replace

import pytest
import torch
from small_worlds import sampler_state

from adaptive_diffusion.core.corruption import Absorbing, Uniform
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.state import Candidate
from adaptive_diffusion.rules.adaptive import Quota
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.order import Confidence
from adaptive_diffusion.rules.plans.acceptance import EntropyBoundAcceptance
from adaptive_diffusion.rules.plans.editing import TokenEditing
from adaptive_diffusion.rules.plans.uniform import Gibbs, PredictorCorrector, routes
from adaptive_diffusion.rules.processor import LinearTemperature
from adaptive_diffusion.rules.proposal import Argmax
from adaptive_diffusion.rules.remasking import NoRemasking
from adaptive_diffusion.sampling.predict import read

pytestmark = pytest.mark.peers
diffusers = pytest.importorskip("diffusers", reason="needs the extra peers")

ROWS, LENGTH, K = 8, 12, 6


class Given:
    vocabulary, width, memory, time_invariant, computes_all_blocks = K, K, None, False, True

    def logits(self, hidden):
        return hidden


def logits(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(ROWS, LENGTH, K, generator=generator) * 4


def seen(output, state, statistics, processors=()):
    everywhere = torch.ones(ROWS, LENGTH, dtype=torch.bool)
    return read(Given(), Evaluation(output), state, statistics, everywhere, processors)


@pytest.mark.parametrize("edit", [None, 0.5])
@pytest.mark.parametrize("steps", [3, 12])
def test_block_refinement_commits_and_edits_the_same_positions(steps, edit):
    peer = diffusers.BlockRefinementScheduler(LENGTH, steps, threshold=0.7, editing_threshold=edit)
    peer.set_timesteps(steps)
    plan = Composed(Confidence(), Quota(0.7, steps), NoRemasking())
    if edit:
        plan = TokenEditing(plan, threshold=edit)
    state, edits = sampler_state([[K] * LENGTH] * ROWS, corruption=Absorbing(K)), 0
    state = replace(state, carry=plan.init_carry(state, K))
    for step in range(steps):
        output = logits(step)
        described = peer.step(output, step, state.tokens, mask_token_id=K)
        prediction = seen(output, state, (*Argmax().logit_statistics(), *plan.logit_statistics()))
        decision = plan(state, prediction, Argmax()(state, prediction))
        assert torch.equal(decision.write & state.open, described.transfer_index)
        assert torch.equal(decision.write & state.committed, described.editing_transfer_index)
        edits += int(described.editing_transfer_index.sum())
        tokens = decision.tokens_after(state)
        assert torch.equal(tokens, described.prev_sample)
        state = replace(
            state,
            tokens=tokens,
            committed=state.committed | decision.write,
            step=state.step + 1,
            carry=plan.update_carry(state, prediction, decision),
        )
    assert not state.open.any()
    assert (edits > 0) is (edit is not None)


@pytest.mark.parametrize(("edit", "post"), [(None, 0), (0.5, 0), (0.5, 2), (0.9, 16)])
def test_block_refinement_stops_after_the_same_look_at_a_full_sequence(edit, post):
    """Row by row, since their loop goes on for all as long as one row does; they make one look more than `post`."""
    peer = diffusers.BlockRefinementScheduler(LENGTH, 4, threshold=0.7, editing_threshold=edit)
    plan = Composed(Confidence(), Quota(0.7, 4), NoRemasking())
    plan = TokenEditing(plan, threshold=edit, extra=post + 1) if edit else TokenEditing(plan, threshold=1.0, extra=1)
    ends = set()
    for row in range(ROWS):
        peer.set_timesteps(4)
        state = sampler_state([[K] * LENGTH] * ROWS, corruption=Absorbing(K))
        state = replace(state, carry=plan.init_carry(state, K))
        looks, goes_on, settled = 0, True, False
        while goes_on:
            assert not settled
            masks = bool(state.open[row].any())
            looks += not masks
            step = int(state.step[row])
            output = logits(100 * row + step) * (1 + step / 2)
            described = peer.step(output[row : row + 1], min(step, 3), state.tokens[row : row + 1], mask_token_id=K)
            edited, never = described.editing_transfer_index, torch.zeros(1, dtype=torch.bool)
            goes_on = peer.check_block_should_continue(
                step + masks, masks, edit is not None, edited, looks, post, never
            )
            prediction = seen(output, state, (*Argmax().logit_statistics(), *plan.logit_statistics()))
            decision = plan(state, prediction, Argmax()(state, prediction))
            tokens, settled = decision.tokens_after(state), bool(decision.settled[row])
            assert torch.equal(tokens[row], described.prev_sample[0])
            state = replace(
                state,
                tokens=tokens,
                committed=state.committed | decision.write,
                step=state.step + 1,
                carry=plan.update_carry(state, prediction, decision),
            )
        assert settled
        ends.add(int(state.step[row]))
    assert len(ends) > 1 or edit != 0.9


@pytest.mark.parametrize("step", [0, 5, 31])
@pytest.mark.parametrize("bound", [0.1, 2.0])
def test_the_entropy_bound_accepts_the_same_positions(step, bound):
    output, peer = logits(step), diffusers.EntropyBoundScheduler(bound)
    state = replace(sampler_state([[0] * LENGTH] * ROWS, corruption=Uniform(K)), step=torch.full((ROWS,), step))
    plan = EntropyBoundAcceptance(bound, 32)
    statistics = (*Argmax().logit_statistics(), *plan.logit_statistics())
    prediction = seen(output, state, statistics, (LinearTemperature(32, 0.8, 0.4),))
    ours = plan(state, prediction, Argmax()(state, prediction)).write
    assert torch.equal(ours, peer.step(output, step, state.tokens).accepted_index)


def routes_of(state, tokens, step, draws=400):
    """How often diffusers takes each route: to the clean token, stays, or to noise, for tokens that tell them apart."""
    peer = diffusers.DiscreteDDIMScheduler(8)
    peer.set_timesteps(8)
    output = torch.nn.functional.one_hot(tokens, K).float() * 50
    generator = torch.Generator().manual_seed(step)
    moves = [peer.step(output, step, state.tokens, generator=generator).prev_sample for _ in range(draws)]
    return torch.stack(moves)


@pytest.mark.parametrize("step", [0, 3, 6, 7])
def test_discrete_ddim_takes_its_routes_as_often(step):
    level = torch.full((ROWS,), 1 - step / 8, dtype=torch.float64)
    state = sampler_state([[0] * LENGTH] * ROWS, corruption=Uniform(K), noise_level=level)
    state = replace(state, step=torch.full((ROWS,), step))
    tokens = (torch.arange(LENGTH) % 2).expand(ROWS, LENGTH)  # the clean token is the standing one at every other place
    clean, stay = routes(state, Candidate(tokens, torch.ones(ROWS, LENGTH)), K, level - 1 / 8)
    moved = routes_of(state, tokens, step)
    noise = 1 - clean - stay
    for place in (0, 1):
        to_clean = float((moved[:, :, place::2] == place).double().mean())
        chance = clean[0, place] + noise[0, place] / K + (stay[0, place] if place == 0 else 0)
        samples = moved[:, :, place::2].numel()
        assert abs(to_clean - float(chance)) <= 5 * math.sqrt(0.25 / samples)
    if step == 7:
        assert torch.equal(moved, tokens.expand_as(moved))


@pytest.mark.parametrize("step", [0, 3, 6])
def test_the_corrector_picks_the_same_position_from_the_same_conditional(step):
    """At a small selection temperature the choice is by margin alone, and the conditional is compared as it is."""
    alpha = (step + 1) / 8
    level = torch.full((ROWS,), 1 - alpha, dtype=torch.float64)
    output = logits(step).double()
    generator = torch.Generator().manual_seed(step)
    standing = torch.randint(K, (ROWS, LENGTH), generator=generator)
    state = sampler_state(standing.tolist(), corruption=Uniform(K), noise_level=level)
    peer = diffusers.DiscreteDDIMScheduler(8, corrector_steps=1, corrector_k=1, corrector_selection_tau=1e-9)
    prediction = seen(output, state, (Gibbs(),))
    ours = prediction["gibbs_margin"].argmin(1)
    changed = torch.zeros(ROWS, dtype=torch.bool)
    for draw in range(40):
        generator = torch.Generator().manual_seed(draw)
        described = peer.step_correct(output, step, standing, generator=generator)
        moved = described.prev_sample != standing
        assert not moved.scatter(1, ours[:, None], False).any()
        changed |= moved.any(1)
        drawn = prediction["gibbs"].gather(1, ours[:, None]) == described.sampled_tokens
        probability = prediction["gibbs_probability"].gather(1, ours[:, None])
        torch.testing.assert_close(probability[drawn], described.sampled_probs.double()[drawn])
    assert changed.any()


def test_the_corrector_of_the_plan_writes_where_the_margin_is_least():
    state = sampler_state([[1] * LENGTH] * ROWS, corruption=Uniform(K), noise_level=torch.full((ROWS,), 0.5).double())
    plan = PredictorCorrector(4, sweeps=1, count=1, tau=1e-9)
    state = replace(state, step=torch.full((ROWS,), 1))
    prediction = seen(logits(0).double(), state, (*Argmax().logit_statistics(), *plan.logit_statistics()))
    write = plan(state, prediction, Argmax()(state, prediction)).write
    least = prediction["gibbs_margin"].argmin(1)
    assert not write.scatter(1, least[:, None], False).any()
    assert write.any()
