"""Samplers that revise decide as the original implementations do; each test names its differences on purpose."""

import math

import pytest
import torch
from golden_steps import (
    Prescribed,
    Recorded,
    one_step,
    positions,
    recorded,
    recorded_file,
    remasked,
    replaced,
    sampler_of,
    state_of,
    use_uniforms,
    written,
)

from adaptive_diffusion.core.corruption import MaskUniform, Uniform
from adaptive_diffusion.models.wrappers import Planned, shadow_attention
from adaptive_diffusion.rules.adaptive import Quota
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.order import Confidence
from adaptive_diffusion.rules.pace import commit_probability
from adaptive_diffusion.rules.plans.editing import TokenEditing
from adaptive_diffusion.rules.plans.gidd import MixedClock, reverse_probability
from adaptive_diffusion.rules.plans.prism import BinomialQuality
from adaptive_diffusion.rules.plans.token_to_mask import ConfidentReplacement, LowTokenProbability, ProbabilityDrop
from adaptive_diffusion.rules.processor import LinearTemperature
from adaptive_diffusion.rules.proposal import Argmax, Draw
from adaptive_diffusion.rules.remasking import NoRemasking


def of(sampler, keep=lambda case: True):
    """Parametrises by the cases of a file; those that are left out differ on purpose."""
    numbered = enumerate(recorded_file(sampler)["cases"])
    chosen = [pytest.param(case, id=str(number)) for number, case in numbered if keep(case)]
    assert len(chosen) >= 2
    return pytest.mark.parametrize("case", chosen)


class Planner(torch.nn.Module):
    def __init__(self, logits):
        super().__init__()
        self.given = torch.tensor([logits])

    def forward(self, state):
        return self.given


@of("ddpd", lambda case: case["planner_softmax"])
def test_ddpd(case, monkeypatch):
    """Differs: the position is always drawn by the softmax of the planner's logits; the denoiser is one of masks; the
    final fill never writes a mask."""
    uniforms = case["uniforms"]
    mask = {"planner_mask": uniforms["mask"]} if "mask" in uniforms else {}
    use_uniforms(monkeypatch, planner=uniforms["position"], drawn=uniforms["token"], **mask)
    denoiser = Prescribed([row[:-1] for row in case["logits"]])
    planned = Planned(denoiser, Planner(case["planner_logits"]), temperature=case["temperature"])
    draw = Draw(case["temperature"])
    sampler = sampler_of("ddpd", planned, plan={"steps": case["steps"]}, proposal=draw)
    state = state_of({**case, "open": [False] * len(case["tokens"])}, sampler)
    done = one_step(sampler, state)
    decision = case["decision"]
    assert positions(done.prediction["planned"]) == decision["write"]
    if case["denoiser"] == "mask":
        seen = denoiser.seen[0]
        assert seen.tokens[0].tolist() == decision["denoiser_input"]
        assert float(1 - seen.noise_level) == pytest.approx(case["time"], abs=1e-6)
    expected = decision["final_canvas"] if decision["stop"] else decision["canvas_after"]
    masks = {i for i in decision.get("final_fill", []) if expected[i] == denoiser.vocabulary}
    differs = zip(done.decision.tokens_after(state)[0].tolist(), expected, strict=True)
    assert {i for i, (ours, theirs) in enumerate(differs) if ours != theirs} == masks
    assert bool(done.decision.settled) == decision["stop"]


@of("wino")
def test_wino(case):
    begin, end = case["block"]
    inside = [begin <= i < end for i in range(len(case["tokens"]))]
    verified = [1.0 if value is None else value for value in case["verified"]]
    verified = (verified + [1.0] * len(inside))[: len(inside)]
    denoiser = Prescribed(case["logits"], verified=verified)
    sampler = sampler_of("wino", denoiser, plan={"accept": case["threshold"], "keep": case["threshold_back"]})
    is_open = [each and within for each, within in zip(case["open"], inside, strict=True)]
    row = {**case, "given": [not each for each in inside], "open": is_open}
    done = one_step(sampler, state_of(row, sampler, {"wino.accepted": case["previous_acceptance"]}))
    assert written(done) == recorded(case)
    assert remasked(done) == case["decision"]["remask"]
    assert bool(done.decision.settled) == case["decision"]["stop"]


def test_shadows_of_wino_see_what_the_original_lets_them_see():
    case = recorded_file("wino")["cases"][0]
    begin, end = case["block"]
    length, allowed = len(case["tokens"]), case["attention"]["allowed_rows"]
    block = torch.tensor([[begin <= i < end for i in range(length)]])
    ours = shadow_attention(block)[0].int()
    columns = [*range(length), *range(length + begin, length + end)]
    assert ours[begin, columns].tolist() == allowed["main"]
    assert ours[length + begin, columns].tolist() == allowed["shadow_0"]
    assert ours[length + begin + 1, columns].tolist() == allowed["shadow_1"]


def rounded_up_by_floats(case):
    """Whether the original's ⌈N/steps·(k + 1)⌉ is one more than the exact one."""
    total, steps, step = case["initial_masks"], case["steps"], case["step"]
    return math.ceil(total / steps * (step + 1)) != -(-total * (step + 1) // steps)


@of("prism", lambda case: not rounded_up_by_floats(case))
def test_prism(case, monkeypatch):
    """Differs: the ceiling is exact; each token draws for itself whether it counts towards the binomial number, where
    the original draws one number for the batch and counts given tokens as committed."""
    denoiser, proposal = Prescribed(case["logits"], quality=case["quality"]), Recorded(case["candidate"])
    if "binomial" in case:
        number, plan = case["binomial"]["count"], BinomialQuality(case["steps"], case["eta"])
    else:
        number, plan = case["num_remask"], {"steps": case["steps"], "count": case["num_remask"]}
    sampler = sampler_of("prism", denoiser, proposal=proposal, plan=plan)
    state = state_of(case, sampler)
    if "binomial" in case and not any(case["given"]):
        assert float(sampler.plan.remask_probability(state)) == pytest.approx(case["binomial"]["sigma"])
    use_uniforms(monkeypatch, order=case["order_uniforms"], remasking=counting(case, number))
    done = one_step(sampler, state)
    assert (written(done), remasked(done)) == (recorded(case), case["decision"]["remask"])
    assert bool(done.decision.settled) or not case["decision"]["stop"]


def counting(case, number):
    """[L] uniforms of which `number` at committed positions are below every positive probability."""
    committed = [i for i, is_open in enumerate(case["open"]) if not is_open and not case["given"][i]]
    return [0.0 if i in committed[:number] else 0.999999 for i in range(len(case["tokens"]))]


def drawn_probability(case):
    """[L], whose logarithm, times η at committed positions, is the recorded score."""
    weigh = [1.0 if is_open else case["eta"] for is_open in case["open"]]
    scores = zip(case["score"], weigh, strict=True)
    return [math.exp((score or 0.0) / weight) if weight else 1.0 for score, weight in scores]


@of("p2", lambda case: case["kappa"] == "linear")
def test_p2(case):
    """Differs: at a temperature ours scores the draw without the Gumbel noise, so that the recorded score is fed; the
    clock is linear."""
    plan = {"steps": case["steps"], "eta": case["eta"]}
    drawn = Recorded(case["candidate"], drawn_probability(case))
    proposal = Argmax() if case["temperature"] == 0 else drawn
    sampler = sampler_of("p2", Prescribed(case["logits"]), plan=plan, proposal=proposal)
    done = one_step(sampler, state_of(case, sampler))
    assert (written(done), remasked(done)) == (recorded(case), case["decision"]["remask"])
    assert bool(done.decision.settled) == case["decision"]["stop"]


@of("p2_planner")
def test_p2_planner(case):
    """Differs: the planner is the quality head; here its probability is that of the original's planner, a language
    model. A row ends once nothing is opened again, which no case shows: there m is 0 after the last step only."""
    planner = torch.tensor(case["planner_logits"], dtype=torch.float64).softmax(-1)
    quality = planner.gather(-1, torch.tensor(case["candidate"])[:, None])[:, 0].tolist()
    plan = {"steps": case["steps"], "eta": case["eta"]}
    drawn = Recorded(case["candidate"], drawn_probability(case))
    proposal = Argmax() if case["temperature"] == 0 else drawn
    sampler = sampler_of("p2_planner", Prescribed(case["logits"], drawn_quality=quality), plan=plan, proposal=proposal)
    done = one_step(sampler, state_of(case, sampler))
    assert (written(done), remasked(done)) == (recorded(case), case["decision"]["remask"])
    assert bool(done.decision.settled) == case["decision"]["stop"]


@of("remedi")
def test_remedi(case):
    """Differs: ranks by the head as in the paper (`decision_by_quality`); the released code ranks by raw logits."""
    quality = torch.tensor(case["quality"], dtype=torch.float64).sigmoid().tolist()
    sampler = sampler_of("remedi", Prescribed(case["logits"], unmasking=quality), plan={"steps": case["steps"]})
    done = one_step(sampler, state_of(case, sampler))
    expected = case["decision_by_quality"]
    assert written(done) == dict(zip(expected["write"], expected["token"], strict=True))
    assert remasked(done) == expected["remask"]
    assert bool(done.decision.settled) == case["decision"]["stop"]


def gidd_of(case, **plan):
    corruption = MaskUniform(len(case["logits"][0]), uniform=case.get("p_uniform", 0.1))
    return sampler_of("gidd", Prescribed(case["logits"], corruption), plan=plan)


@of("gidd", lambda case: case["kind"] == "posterior")
def test_gidd_posterior(case, monkeypatch):
    """Differs: the last step, where the original stays as it is and may leave masks, writes the candidate."""
    use_uniforms(monkeypatch, gidd=case["uniforms"])
    sampler = gidd_of(case, inner={"steps": case["steps"]})
    state, clock = state_of(case, sampler, noise_level=case["time"]), MixedClock(case["steps"])
    assert float(clock.level(state.step)) == pytest.approx(case["time"], abs=1e-6)
    done = one_step(sampler, state)
    time, later = (torch.full((len(case["tokens"]),), case[name]).double() for name in ("time", "next_time"))
    p = torch.tensor(case["logits"], dtype=torch.float64).softmax(-1)
    ours = reverse_probability(state.corruption, p, state.tokens[0], time, later)
    theirs = torch.tensor(case["decision"]["probabilities"], dtype=torch.float64)
    torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=0)
    if not case["decision"]["stop"]:
        assert float(clock.level(state.step + 1)) == pytest.approx(case["next_time"], abs=1e-6)
        assert written(done) == recorded(case)
        assert remasked(done) == case["decision"]["remask"]
        assert replaced(done) == recorded(case, "replace")
    else:
        assert set(written(done)) == set(positions(state.open))


@of("gidd", lambda case: case["kind"] == "correction")
def test_gidd_correction(case, monkeypatch):
    use_uniforms(monkeypatch, correction=case["uniforms"])
    sampler = gidd_of(case, cap=case["cap"], patience=case["max_patience"], temperature=case["temperature"])
    agreed = round(case["best_agreement_before"] * len(case["tokens"]))
    carry = {"best": agreed, "waited": case["waited_before"], "steps": case["step"]}
    carry = {f"correction.{name}": value for name, value in carry.items()}
    state = state_of(case, sampler, carry, noise_level=case["time"])
    done = one_step(sampler, state)
    assert done.prediction["correction"][0].tolist() == case["candidate"]
    assert replaced(done) == recorded(case, "replace")
    assert bool(done.decision.settled) == case["decision"]["stop"]
    assert float(done.decision.noise_level) == case["time"]


def remdm_of(preset, case):
    pace = {name: case[name] for name in ("steps", "t_on", "t_off", "alpha_on") if name in case}
    remasking = {} if preset == "remdm_conf" else {"eta": case["eta"]}
    return sampler_of(preset, Prescribed(case["logits"]), pace=pace, remasking=remasking, processors=())


@pytest.mark.parametrize("preset", ["remdm_cap", "remdm_rescale"])
def test_remdm_probabilities(preset):
    """Differs: the clock ends at α = 1; top-p keeps the token that crosses p. Compared are the probabilities to leave
    and to commit; one uniform decides both token and leaving in the original."""
    for case in recorded_file(preset)["cases"]:
        sampler = remdm_of(preset, case)
        state = state_of(case, sampler, noise_level=case["time"])
        sigma = sampler.remasking.remask_probability(state, torch.tensor([case["next_time"]]).double())
        committed = positions(state.revisable)
        assert [case["decision"]["leaving"][i] for i in committed] == pytest.approx(
            [float(sigma)] * len(committed), abs=2e-6
        )
        commits = commit_probability(torch.tensor(1 - case["time"]), torch.tensor(1 - case["next_time"]), sigma)
        compare_commits(case, state, float(commits))


def compare_commits(case, state, probability):
    """Open positions of the case commit with this probability."""
    if state.open.any():
        assert case["decision"]["opens_commit"] == pytest.approx(probability, abs=2e-5)


def test_remdm_conf_probabilities():
    """Differs: as above; the probability when committed is float32, the original's bfloat16 is not copied."""
    for case in recorded_file("remdm_conf")["cases"]:
        psi = [value or 0.0 for value in case["commit_probability"]]
        sampler = remdm_of("remdm_conf", case)
        state = state_of(case, sampler, noise_level=case["time"], commit_probability=psi)
        later = torch.tensor([case["next_time"]]).double()
        sigma = sampler.remasking.remask_probabilities(state, later)[0]
        committed = positions(state.revisable)
        assert [case["decision"]["leaving"][i] for i in committed] == pytest.approx(sigma[committed].tolist(), abs=2e-6)
        commits = commit_probability(
            torch.tensor(1 - case["time"]), torch.tensor(1 - case["next_time"]), torch.zeros(())
        )
        compare_commits(case, state, float(commits))


@of("remdm_loop")
def test_remdm_loop_probabilities(case):
    """Differs: α is α_on exactly while the clock is held, and a step that crosses a border brings all of its change;
    where the original's step crosses a border, it overshoots or leaves the change out."""
    sampler = remdm_of("remdm_loop", case)
    pace, now, later = sampler.pace, case["time"], case["next_time"]
    level, after = (torch.tensor([1 - pace.alpha(torch.tensor(t).double())]).double() for t in (now, later))
    state = state_of(case, sampler, noise_level=float(level))
    if now > pace.t_on > later or now > pace.t_off > later:
        return
    sigma = sampler.remasking.remask_probability(state, after)
    held = pace.t_on >= now > pace.t_off
    for i in positions(state.revisable) if held else ():
        assert case["decision"]["leaving"][i] == pytest.approx(float(sigma), abs=2e-6)
    assert held or (not float(sigma) and not case["decision"]["remask"])  # the original carries committed tokens over
    compare_commits(case, state, float(commit_probability(1 - level, 1 - after, sigma)))


def editing_of(case, plan):
    """LLaDA2's commits, one position a step at least or the quota of the steps, under a second look."""
    steps = case.get("steps") or len(case["tokens"])
    inner = Composed(Confidence(), Quota(case["threshold"], steps), NoRemasking())
    return sampler_of("token_editing", Prescribed(case["logits"]), plan=plan(inner))


@of("token_editing", lambda case: case.get("quota", 1) == 1 or not any(case["given"]))
def test_token_editing(case):
    """Differs: the preset makes at most 16 looks at a full block, as the authors do; diffusers' 17 are a setting, and
    its quota is a share of the block with its given tokens."""
    threshold = 1.0 if case["editing_threshold"] is None else case["editing_threshold"]
    extra = case["max_post_steps"] + (case["source"] == "diffusers")
    sampler = editing_of(case, lambda inner: TokenEditing(inner, threshold, extra))
    done = one_step(sampler, state_of(case, sampler, {"editing.extra": case["extra_before"]}))
    assert (written(done), replaced(done)) == (recorded(case), recorded(case, "replace"))
    assert bool(done.decision.settled) == case["decision"]["stop"]


def test_token_editing_preset_is_the_one_that_was_compared():
    sampler = sampler_of("token_editing", Prescribed([[0.0, 1.0]]))
    inner = Composed(Confidence(), Quota(0.95, 32), NoRemasking())
    assert sampler.plan == TokenEditing(inner, 0.9, 16)


@of("token_to_mask")
def test_token_to_mask(case):
    kinds = {"t2t_remask": ConfidentReplacement, "low_prob": LowTokenProbability, "logit_diff": ProbabilityDrop}
    settings = {"threshold": case["remask_threshold"], "each": case["max_remask_per_pos"]}
    settings |= {"share": case["max_remask_ratio"], "extra": case["max_post_steps"]}
    sampler = editing_of(case, lambda inner: kinds[case["strategy"]](inner, **settings))
    carry = {"editing.extra": case["extra_before"]}
    if case["strategy"] == "logit_diff" and case["previous_logits"] is not None:
        before = torch.tensor(case["previous_logits"]).softmax(-1)
        tokens = torch.tensor(case["tokens"]).clamp(max=before.shape[-1] - 1)
        carry["token_to_mask.probability"] = before.gather(-1, tokens[:, None])[:, 0].tolist()
    done = one_step(sampler, state_of(case, sampler, carry, revisions=case["remask_counts"]))
    assert (written(done), remasked(done)) == (recorded(case), case["decision"]["remask"])
    assert bool(done.decision.settled) == case["decision"]["stop"]


@of("stable_and_confident")
def test_stable_and_confident(case, monkeypatch):
    """Differs: none in the decisions; a row that reaches its step limit answers with the argmax, as in transformers."""
    predictions = [[-1] * len(case["tokens"])] * case["stability"]
    plan = {"gamma": case["entropy_bound"], "steps": case["max_steps"]}
    halting = {"stability": case["stability"], "threshold": case["threshold"]}
    for each in case["steps"]:
        vocabulary = len(each["logits"][0])
        random = [(token + 0.5) / vocabulary for token in each["random_tokens"]]
        use_uniforms(monkeypatch, drawn=each["uniforms"], renoise=random)
        denoiser = Prescribed(each["logits"], Uniform(vocabulary))
        temperature = LinearTemperature(case["max_steps"], case["t_max"], case["t_min"])
        sampler = sampler_of("diffusion_gemma", denoiser, plan=plan, halting=halting, processors=(temperature,))
        row = {**each, "open": [True] * len(each["tokens"])}
        done = one_step(sampler, state_of(row, sampler, {"stable.predictions": predictions}))
        assert done.prediction["drawn"][0].tolist() == each["drawn"]
        assert done.prediction["entropy"][0].tolist() == pytest.approx(each["entropy"], abs=1e-5)
        assert written(done) == recorded(each)
        assert bool(done.halt_decision.stop) == each["decision"]["stop"]
        stopped = each["decision"]["answer"] if each["decision"]["stop"] else each["decision"]["canvas_after"]
        assert done.after.tokens[0].tolist() == stopped
        predictions = done.after.carry["stable.predictions"][0].tolist()
