"""Training states: which sequences the denoiser is trained on; every status that occurs in sampling occurs in them."""

from copy import deepcopy
from dataclasses import replace
from functools import partial

import pytest
import torch
from fake_device import fake_device

from adaptive_diffusion.core.corruption import Absorbing, Corruption, Uniform
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.schedule import Cosine, Linear
from adaptive_diffusion.models.heads import DenoiserWithHeads, HaltingHead, QualityHead
from adaptive_diffusion.models.positions import LearnedPositions
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.rules.pace import RandomThreshold
from adaptive_diffusion.rules.remasking import RandomLowProbability
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.training.clean_sequences import CleanSequences
from adaptive_diffusion.training.forward_process import ForwardProcess
from adaptive_diffusion.training.random_replacement import RandomReplacement
from adaptive_diffusion.training.span_masking import SpanMasking
from adaptive_diffusion.training.training_states import (
    Batch,
    OnPolicyRollouts,
    RandomMasking,
    SelfGenerated,
    TrainingStates,
)

ROWS, LENGTH, TOKENS = 64, 16, 4


@pytest.fixture
def model() -> DenoiserWithHeads:
    torch.manual_seed(0)
    trunk = TransformerDenoiser(TOKENS, LearnedPositions.grid(4, 4, 2, 2), width=32, depth=1, heads=2)
    return DenoiserWithHeads(trunk, {"quality": QualityHead(32), "halting": HaltingHead(32)}).eval()


def fresh(first: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(first)
    clean = torch.randint(0, TOKENS, (ROWS, LENGTH), generator=generator)
    editable = torch.rand(ROWS, LENGTH, generator=generator) < 0.7
    return Batch(Queries(torch.arange(first, first + ROWS), clean, editable), clean)


def live() -> OnPolicyRollouts:
    return OnPolicyRollouts(ROWS, partial(Sampler, pace=RandomThreshold(), remasking=RandomLowProbability()))


@pytest.mark.parametrize(
    "source",
    [
        RandomMasking(ROWS),
        RandomMasking(ROWS, wrong=0.5),
        SelfGenerated(ROWS),
        SpanMasking(ForwardProcess(ROWS), 4.0, 0.5),
    ],
)
def test_what_is_given_is_never_touched(source: TrainingStates, model: DenoiserWithHeads) -> None:
    new = fresh()
    state, batch = source.begin(model, new, seed=0)
    clean = batch.clean
    given = ~new.queries.editable
    assert (state.tokens == clean)[given].all()
    assert not state.editable[given].any()
    assert (state.tokens[state.open] == TOKENS).all()


def test_random_masks_hold_only_right_tokens_by_default(model: DenoiserWithHeads) -> None:
    state, batch = RandomMasking(ROWS).begin(model, fresh(), seed=0)
    clean = batch.clean
    assert (state.tokens == clean)[state.committed].all()
    state, batch = RandomMasking(ROWS, wrong=1.0).begin(model, fresh(), seed=0)
    clean = batch.clean
    assert 0.1 < (state.tokens != clean)[state.committed].float().mean() < 0.9


def test_noise_falls_on_spans_alone(model: DenoiserWithHeads) -> None:
    generator = torch.Generator().manual_seed(0)
    clean = torch.randint(0, TOKENS, (ROWS, 16), generator=generator)
    new = Batch(Queries(torch.arange(ROWS), clean, torch.ones_like(clean, dtype=torch.bool)), clean)
    state, batch = SpanMasking(ForwardProcess(ROWS), length=8.0, share=0.25).begin(model, new, seed=0)
    span = state.editable
    assert torch.equal(batch.clean, clean)
    assert not (state.open & ~span).any()
    assert 0.3 < state.open[span].float().mean() < 0.7  # half of them, over all noise levels
    assert 0.15 < span.float().mean() < 0.35
    # A new piece begins at 1 of 8 places and changes what is open at 2 · 1/4 · 3/4 of those.
    assert 0.02 < (span[:, 1:] != span[:, :-1]).float().mean() < 0.08
    complete, _ = SpanMasking(ForwardProcess(ROWS), share=1.0).begin(model, new, seed=0)
    assert complete.editable.all()


@pytest.mark.parametrize("inner", [ForwardProcess(ROWS), CleanSequences(ROWS)], ids=lambda inner: type(inner).__name__)
def test_tokens_outside_the_spans_are_shown_where_a_query_hides_its_answer(
    inner: TrainingStates, model: DenoiserWithHeads
) -> None:
    new = fresh()
    hidden = new.clean.masked_fill(new.queries.editable, TOKENS)
    batch = Batch(replace(new.queries, tokens=hidden), new.clean)
    state, _ = SpanMasking(inner, length=4.0, share=0.5).begin(model, batch, seed=0)
    assert (state.tokens == new.clean)[~state.editable].all()


@pytest.mark.parametrize(
    "source", [RandomMasking(ROWS), SelfGenerated(ROWS), ForwardProcess(ROWS)], ids=lambda source: type(source).__name__
)
def test_open_positions_hold_masks_where_a_query_has_a_draft(source: TrainingStates, model: DenoiserWithHeads) -> None:
    new = fresh()
    drafted = Batch(replace(new.queries, drafted=new.queries.editable), new.clean)
    state, _ = source.begin(model, drafted, seed=0)
    assert state.open.any()
    assert (state.tokens == TOKENS)[state.open].all()


@pytest.mark.parametrize(
    "source", [RandomMasking(ROWS), ForwardProcess(ROWS)], ids=lambda source: type(source).__name__
)
def test_noise_level_agrees_with_the_schedule(source: TrainingStates, model: DenoiserWithHeads) -> None:
    model.denoiser.corruption = Absorbing(TOKENS, Cosine())
    clean = torch.zeros(ROWS, 400, dtype=torch.int64)
    new = Batch(Queries(torch.arange(ROWS), clean, torch.ones_like(clean, dtype=torch.bool)), clean)
    state, _ = source.begin(model, new, seed=0)
    masked = (state.tokens == TOKENS).float().mean(1)
    expected = 1 - Cosine().alpha(state.noise_level).float()
    torch.testing.assert_close(masked, expected, atol=0.1, rtol=0)


@pytest.mark.parametrize("schedule", [Linear(), Cosine()], ids=lambda one: type(one).__name__)
def test_noise_level_of_own_draws_is_that_of_what_stays_open(schedule, model: DenoiserWithHeads) -> None:
    model.denoiser.corruption = Absorbing(TOKENS, schedule)
    state, _ = SelfGenerated(ROWS).begin(model, fresh(), seed=0)
    share = state.open.sum(1) / state.eligible.sum(1)
    torch.testing.assert_close(1 - schedule.alpha(state.noise_level).float(), share)


def test_spans_of_no_length_or_share_are_refused() -> None:
    with pytest.raises(ValueError, match=r"length=0\.5"):
        SpanMasking(ForwardProcess(ROWS), length=0.5)
    for share in (0.0, 1.5):
        with pytest.raises(ValueError, match=f"share={share}"):
            SpanMasking(ForwardProcess(ROWS), share=share)


def test_every_status_met_while_sampling_is_met_in_training(model: DenoiserWithHeads) -> None:
    state, _ = RandomMasking(ROWS).begin(model, fresh(), seed=0)
    assert set(state.status.flatten().tolist()) == {0, 1, 2}
    both = (state.committed.any(1) & state.open.any(1)).sum()
    assert both > ROWS / 4


def test_noise_levels_are_spread_evenly_over_the_batch(model: DenoiserWithHeads) -> None:
    state, _ = RandomMasking(ROWS).begin(model, fresh(), seed=0)
    gaps = state.noise_level.sort().values.diff()
    assert torch.allclose(gaps, torch.full_like(gaps, 1 / ROWS), atol=1e-6)


def test_own_draws_commit_some_wrong_tokens_of_the_model(model: DenoiserWithHeads) -> None:
    state, batch = SelfGenerated(ROWS).begin(model, fresh(), seed=0)
    clean = batch.clean
    wrong = state.committed & (state.tokens != clean)
    assert wrong.any()
    assert (state.tokens[wrong] < TOKENS).all()


def test_the_forward_that_gives_the_loss_also_advances_the_slot(model: DenoiserWithHeads) -> None:
    source = live()
    state, _ = source.begin(model, fresh(), seed=0)
    step = source.advance(model.evaluate(state))
    assert step.before is state
    assert (step.after.nfe == 1).all()
    again, _ = source.begin(model, fresh(1000), seed=0)
    still = step.after.running
    assert torch.equal(again.tokens[still], step.after.tokens[still])


def test_finished_slots_are_refilled_with_new_queries(model: DenoiserWithHeads) -> None:
    source = live()
    seen = set()
    for first in range(0, 40 * ROWS, ROWS):
        state, batch = source.begin(model, fresh(first), seed=0)
        clean = batch.clean
        seen |= set(state.query.tolist())
        given = ~state.editable
        assert (state.tokens == clean)[given].all()  # a row's truth travels with it
        assert state.running.all()
        source.advance(model.evaluate(state))
    assert len(seen) > 2 * ROWS


def test_live_slots_resume_bit_for_bit(model: DenoiserWithHeads) -> None:
    def run(source: OnPolicyRollouts, batches: range) -> torch.Tensor:
        for number in batches:
            state, _ = source.begin(model, fresh(number * ROWS), seed=0)
            source.advance(Evaluation(model.evaluate(state).hidden))
        assert source.state is not None
        return source.state.tokens

    complete = run(live(), range(6))
    first, second = live(), live()
    run(first, range(3))
    second.load_state_dict(first.state_dict())
    assert torch.equal(run(second, range(3, 6)), complete)


@pytest.mark.parametrize("to_device", [True, False])
def test_live_slots_resume_on_another_device(model: DenoiserWithHeads, to_device: bool) -> None:
    def run(source: OnPolicyRollouts, batches: range, device: torch.device) -> torch.Tensor:
        there = deepcopy(model).to(device)
        for number in batches:
            state, _ = source.begin(there, fresh(number * ROWS).to(device), seed=0)
            source.advance(Evaluation(there.evaluate(state).hidden))
        assert source.state is not None
        assert source.state.tokens.device == device
        return source.state.tokens.cpu()

    cpu = torch.device("cpu")
    with fake_device() as device:
        before, after = (cpu, device) if to_device else (device, cpu)
        complete = run(live(), range(6), cpu)
        first, second = live(), live()
        run(first, range(3), before)
        second.load_state_dict(first.state_dict())
        assert torch.equal(run(second, range(3, 6), after), complete)


def test_injected_errors_are_wrong_committed_and_as_many_as_their_share(model: DenoiserWithHeads) -> None:
    new = fresh()
    state, batch = RandomReplacement(ROWS, share=0.4).begin(model, new, seed=0)
    clean = batch.clean
    wrong = state.tokens != clean
    assert torch.equal(state.committed, new.queries.editable)
    assert not (wrong & ~state.editable).any()
    share = wrong.sum() / state.editable.sum()
    assert 0.1 < share < 0.3
    assert not (RandomReplacement(ROWS, share=0.0).begin(model, new, seed=0)[0].tokens != clean).any()
    with pytest.raises(ValueError, match="between 0 and 1"):
        RandomReplacement(ROWS, share=1.5)


class Symbols(TransformerDenoiser):
    """Predicts the first three of its tokens only."""

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return super().logits(hidden).index_fill(-1, torch.tensor([3]), -torch.inf)


@pytest.mark.parametrize("corruption", [Uniform(3), Absorbing(3), Absorbing(4)])
@pytest.mark.parametrize("source", [RandomReplacement(ROWS, share=1.0), RandomMasking(ROWS, wrong=1.0, given=0.0)])
def test_wrong_tokens_are_never_masks_or_padding(source: TrainingStates, corruption: Corruption) -> None:
    """A published model may have its mask among its tokens, and one of symbols has padding among them."""
    places = LearnedPositions.grid(4, 4, 2, 2)
    model = DenoiserWithHeads(Symbols(TOKENS, places, width=32, depth=1, heads=2, corruption=corruption))
    clean = fresh().clean % 3
    state, _ = source.begin(model, Batch(Queries.of(clean, torch.ones_like(clean)), clean), seed=0)
    wrong = state.tokens[state.committed & (state.tokens != clean)]
    assert wrong.unique().tolist() == [0, 1, 2]


def test_mask_within_the_vocabulary_is_noise_too(model: DenoiserWithHeads) -> None:
    """Published models have their mask among their tokens."""
    model.denoiser.corruption = Absorbing(2)  # type: ignore[union-attr]
    clean, everywhere = torch.full((ROWS, LENGTH), 3), torch.ones(ROWS, LENGTH, dtype=torch.bool)
    batch = Batch(Queries(torch.arange(ROWS), clean, everywhere), clean)
    state, _ = ForwardProcess(ROWS).begin(model, batch, seed=0)
    assert torch.equal(state.open, state.tokens == 2)
    assert torch.equal(state.committed, state.tokens == 3)
    assert state.open.any(1).sum() > ROWS // 2
