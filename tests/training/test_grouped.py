"""Policy gradient on grouped rollouts: advantages and losses by hand, steps that can be drawn again, a toy learnt."""

from functools import partial

import pytest
import torch
from fake_device import fake_device
from small_worlds import prediction, sampler_state

from adaptive_diffusion.core.batch import Batch
from adaptive_diffusion.core.corruption import Absorbing
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.loss_inputs import LossInputs, StepOutcome
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.heads import DenoiserWithHeads, HaltingHead
from adaptive_diffusion.models.policy import PolicyHead
from adaptive_diffusion.objectives.policy import ADVANTAGE, HaltingGradient, PolicyGradient, group_advantage
from adaptive_diffusion.rules.learned_halting import SampledHalting
from adaptive_diffusion.rules.plans.correcting import LearnedRevising
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.training.grouped import GroupedRollouts

LENGTH, TOKENS = 6, 2


def all_right(answers):
    return torch.ones(len(answers))


class RightFromSecondStep(torch.nn.Module):
    """In the first step a wrong token has probability .73; from the second step on the right token, 0, has .998
    everywhere. So what is committed in the first step must be remasked afterwards."""

    vocabulary = width = TOKENS
    memory, time_invariant, computes_all_blocks = None, True, True

    def __init__(self):
        super().__init__()
        self.corruption = Absorbing(TOKENS)

    def evaluate(self, state):
        seen = (state.committed.any(1) | (state.step > 0))[:, None].expand(state.tokens.shape)
        logit = torch.where(seen, 6.0, -1.0)
        return Evaluation(torch.stack([logit, torch.zeros_like(logit)], dim=-1))

    def logits(self, hidden):
        return hidden


def model(**start):
    torch.manual_seed(0)
    return DenoiserWithHeads(RightFromSecondStep(), {"policy": PolicyHead(**start)})


def fresh(rows, first=0):
    clean = torch.zeros(rows, LENGTH, dtype=torch.int64)
    return Batch(Queries(torch.arange(first, first + rows), clean, torch.ones_like(clean).bool()), clean)


def test_advantages_compare_a_rollout_with_its_own_group():
    reward = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    assert group_advantage(reward).tolist() == [[0.5, -0.5], [0.0, 0.0]]


def test_recorded_steps_carry_the_advantage_of_their_rollout_and_draw_the_same_again():
    made = model(commit=0.7, doubt=0.01)
    source = GroupedRollouts(rows=64, queries=8, group=4, price=0.1, replace=2.0)
    state, batch = source.begin(made, fresh(64), seed=0)
    clean = batch.clean
    assert len(state.tokens) == len(clean) == 64
    assert state.carry[ADVANTAGE].unique().numel() > 2
    assert state.query.unique().numel() > 4
    again = source.advance(made.evaluate(state))
    steps = torch.stack([state.query, state.variation, state.step], dim=1).tolist()
    following = {tuple(each): at for at, each in enumerate(steps)}
    pairs = [(at, following[q, v, n + 1]) for (q, v, n), at in following.items() if (q, v, n + 1) in following]
    assert pairs
    for before, after in pairs:
        assert torch.equal(again.after.tokens[before], state.tokens[after])


def inputs(made, advantage):
    state = sampler_state([[9, 0]] * 2, committed=[[0, 1]] * 2, carry={ADVANTAGE: torch.tensor(advantage)})
    half = torch.full((2, 2), 0.5)
    made_prediction = prediction(
        (2, 2), confidence=half, current_token_probability=half, entropy=half, argmax=state.tokens
    )
    outcome = StepOutcome(made_prediction, None, state.tokens, torch.ones(2), all_right)
    return LossInputs(made, state, state.tokens, torch.zeros(2, 2, 1), outcome)


def test_the_loss_is_advantage_times_log_probability_of_what_was_drawn():
    made = model(commit=0.5, doubt=0.5)
    loss = PolicyGradient()(inputs(made, [1.0, -3.0]))["policy"]
    assert loss.item() == pytest.approx(-(1.0 - 3.0) * 2 * torch.tensor(0.5).log().item() / 2, rel=1e-5)
    assert PolicyGradient()(inputs(made, [0.0, 0.0]))["policy"].item() == 0


def test_sequences_without_advantages_and_models_without_a_policy():
    plain = inputs(model(), [1.0, 1.0])
    without = LossInputs(plain.model, sampler_state([[9]]), plain.clean, plain.hidden, plain.outcome)
    assert PolicyGradient()(without) == {}
    plain.model.heads.pop("policy")
    with pytest.raises(ValueError, match="no head 'policy'"):
        PolicyGradient()(plain)


@pytest.mark.parametrize("broken", [{"group": 1}, {"queries": 65}, {"queries": 0}])
def test_groups_without_comparison_are_refused(broken):
    with pytest.raises(ValueError, match=r"group ≥ 2"):
        GroupedRollouts(64, **broken)


def test_policy_learns_to_remask_wrong_early_commits():
    made = model(commit=0.5, doubt=0.001, sharpness=1.0)

    def accuracy():
        few = fresh(40, first=10_000)
        sampler = Sampler(made, plan=LearnedRevising(head=made.head("policy"), replace=2.0, draws=True))
        return float((sampler.sample(few.queries).answers == 0).all(1).float().mean())

    before = accuracy()
    source = GroupedRollouts(rows=128, queries=16, group=8, price=0.01, replace=2.0)
    optimizer = torch.optim.Adam(made.head("policy").parameters(), lr=0.05)
    for number in range(40):
        state, batch = source.begin(made, fresh(128, first=128 * number), seed=0)
        clean = batch.clean
        step = source.advance(made.evaluate(state))
        hidden = torch.zeros(len(clean), LENGTH, 1)
        outcome = StepOutcome(step.prediction, step.decision, step.answer, all_right(step.answer), all_right)
        loss = PolicyGradient()(LossInputs(made, state, clean, hidden, outcome))["policy"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert accuracy() > before + 0.3


def stopping_model(chance=0.5):
    """The same denoiser, and a halting head that stops with this chance whatever it sees."""
    made = model(commit=0.5, doubt=0.001)
    made.heads["halting"] = HaltingHead(TOKENS, init_bias=torch.logit(torch.tensor(chance)).item())
    return made


def test_stop_is_drawn_with_the_probability_of_the_head_and_reproduced():
    made = stopping_model(chance=0.3)
    plan = LearnedRevising(head=made.head("policy"), replace=2.0, draws=True)
    recipe = Sampler(made, plan=plan, halting=SampledHalting(head=made.head("halting")))
    queries = fresh(4000).queries
    result = recipe.sample(queries, max_steps=2, slots=4000)
    settled = Sampler(made, plan=plan).sample(queries, max_steps=2, slots=4000).nfe == 1
    stopped = (result.nfe == 1)[~settled].float().mean().item()
    assert stopped == pytest.approx(0.3, abs=0.04)
    assert torch.equal(result.nfe, recipe.sample(queries, max_steps=2, slots=4000).nfe)


def test_the_halting_loss_is_advantage_times_log_probability_where_the_row_had_the_choice():
    made = stopping_model(chance=0.5)
    recipe = partial(Sampler, halting=SampledHalting(head=made.head("halting")))
    source = GroupedRollouts(rows=32, queries=4, group=4, replace=2.0, sampler=recipe)
    state, batch = source.begin(made, fresh(32), seed=0)
    clean = batch.clean
    step = source.advance(made.evaluate(state))
    outcome = StepOutcome(step.prediction, step.decision, step.answer, all_right(step.answer), all_right)
    loss = HaltingGradient()(LossInputs(made, state, clean, torch.zeros(32, LENGTH, TOKENS), outcome))["halting_policy"]
    chose = ~step.decision.settled
    assert 0 < chose.sum() < 32
    half = torch.tensor(0.5).log()
    assert loss.item() == pytest.approx(-(state.carry[ADVANTAGE][chose] * half).mean().item(), rel=1e-4)


def test_a_model_without_a_halting_head_is_refused():
    with pytest.raises(ValueError, match="no head 'halting'"):
        HaltingGradient()(inputs(model(), [1.0, 1.0]))


def test_halting_and_pace_learnt_together_stop_paying_for_forwards_that_confirm():
    made = stopping_model(chance=0.1)
    made.heads["policy"] = PolicyHead(commit=0.2, doubt=0.5, sharpness=2.0)
    recipe = partial(Sampler, halting=SampledHalting(head=made.head("halting")))

    def figures():
        few = fresh(200, first=10_000)
        sampler = recipe(denoiser=made, plan=LearnedRevising(head=made.head("policy"), replace=2.0, draws=True))
        result = sampler.sample(few.queries)
        return float((result.answers == 0).all(1).float().mean()), float(result.nfe.float().mean())

    before = figures()
    source = GroupedRollouts(rows=128, queries=16, group=8, price=0.1, replace=2.0, sampler=recipe)
    parts = [*made.head("policy").parameters(), *made.head("halting").parameters()]
    optimizer = torch.optim.Adam(parts, lr=0.03)
    for number in range(40):
        state, batch = source.begin(made, fresh(128, first=128 * number), seed=0)
        clean = batch.clean
        evaluation = made.evaluate(state)
        step = source.advance(evaluation)
        outcome = StepOutcome(step.prediction, step.decision, step.answer, all_right(step.answer), all_right)
        seen = LossInputs(made, state, clean, evaluation.hidden, outcome)
        loss = PolicyGradient()(seen)["policy"] + HaltingGradient()(seen)["halting_policy"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    after = figures()
    assert after[0] - 0.1 * after[1] > before[0] - 0.1 * before[1] + 0.1
    assert after[0] >= before[0]


def test_rollouts_are_made_on_another_device():
    batch, source = fresh(64), GroupedRollouts(rows=64, queries=8, group=4)
    here, _ = source.begin(model(commit=0.7), batch, seed=0)
    with fake_device() as device:
        there, _ = source.begin(model(commit=0.7).to(device), batch.to(device), seed=0)
        assert there.tokens.device == device
        found = there.tokens.cpu()
    assert torch.equal(found, here.tokens)
