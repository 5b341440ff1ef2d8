"""Samplers under uniform noise decide as the original implementations do; tests name their differences on purpose."""

import pytest
import torch
from golden_steps import (
    Prescribed,
    of,
    one_step,
    positions,
    recorded,
    recorded_file,
    replaced,
    sampler_of,
    state_of,
    use_uniforms,
    written,
)

from adaptive_diffusion.core.corruption import Uniform
from adaptive_diffusion.rules.plans.psi import CappedRemasking, ConstantRemasking, psi_mass
from adaptive_diffusion.rules.plans.uniform import Clock, posterior_mass
from adaptive_diffusion.rules.processor import TopP
from adaptive_diffusion.rules.proposal import inverse_cdf


def prediction_of(case):
    """[L, K] probabilities, in the nucleus of the case; and tokens [L]."""
    logits = torch.tensor(case["logits"], dtype=torch.float64)
    if case["nucleus"] < 1:
        logits = TopP(case["nucleus"])(logits, None, None, None)
    return logits.softmax(-1), torch.tensor(case["tokens"])


def compare(case, mass):
    """The distribution of every position, and what is drawn from it with the recorded uniforms."""
    theirs = torch.tensor(case["decision"]["probabilities"], dtype=torch.float64)
    torch.testing.assert_close(mass / mass.sum(-1, keepdim=True), theirs, atol=2e-5, rtol=0)
    uniforms = torch.tensor(case["uniforms"], dtype=torch.float64)
    assert inverse_cdf(mass, uniforms).tolist() == case["decision"]["canvas_after"]


def alphas(case):
    return (torch.tensor([[case[name]]], dtype=torch.float64) for name in ("alpha_t", "alpha_s"))


def drawn_anew(case):
    return "probabilities" in case["decision"]


@of("uniform", drawn_anew)
def test_uniform_posterior(case):
    """Differs: our clock runs from α = 0 to α = 1; the recorded α are fed."""
    p, tokens = prediction_of(case)
    compare(case, posterior_mass(p, tokens, *alphas(case)))


@of("psi", drawn_anew)
def test_psi_sampler(case):
    """Differs: one κ serves all steps; the recorded α and κ are fed."""
    p, tokens = prediction_of(case)
    kappa = case.get("kappa", 1.0)  # the tail of the original is a step of its posterior
    compare(case, psi_mass(p, tokens, *alphas(case), torch.tensor([[kappa]], dtype=torch.float64)))


@pytest.mark.parametrize("sampler", ["uniform", "psi"])
def test_greedy_tail(sampler):
    """Differs: ours is taken at α = 1, the original's at 1 − 1e-5."""
    for case in recorded_file(sampler)["cases"]:
        if case["tail"] == "greedy":
            denoiser = Prescribed(case["logits"], Uniform(len(case["logits"][0])))
            tail = sampler_of("duo_greedy", denoiser, plan={"inner": {"steps": case["steps"]}})
            row = {**case, "open": [False] * len(case["tokens"])}
            done = one_step(tail, state_of(row, tail, noise_level=0.0))
            assert replaced(done) == recorded(case, "replace")
            assert bool(done.decision.settled)


@of("predictor_corrector", lambda case: True)
def test_clock_of_the_predictor_corrector(case):
    clock, step = Clock(case["steps"], case["sweeps"]), torch.tensor(case["step"])
    assert clock.predictor_steps == case["predictor_steps"]
    assert bool(clock.predicts(step)) == (case["kind"] == "predictor")
    alpha = case["alpha_t"] if case["kind"] == "predictor" else case["alpha"]
    assert float(1 - clock.level(step)) == pytest.approx(alpha)
    later = case["alpha_s"] if case["kind"] == "predictor" else case["alpha"]
    assert float(1 - clock.level(step + 1)) == pytest.approx(later)


def corrector_of(case, preset="predictor_corrector"):
    plan = {"steps": case["predictor_steps"]}
    if preset == "predictor_corrector":
        plan = {"steps": case["steps"], "sweeps": case["sweeps"], "count": case["count"], "tau": case.get("tau", 1.0)}
    return sampler_of(preset, Prescribed(case["logits"], Uniform(len(case["logits"][0]))), plan=plan)


@pytest.mark.parametrize("preset", ["predictor_corrector", "uniform_routes"])
@of("predictor_corrector", lambda case: case["kind"] == "predictor")
def test_predictor_and_uniform_routes(case, preset, monkeypatch):
    """Written, left and noised are the same, and so are the tokens."""
    vocabulary = len(case["logits"][0])
    random = [(token + 0.5) / vocabulary for token in case["random_tokens"]]
    use_uniforms(monkeypatch, drawn=case["uniforms"]["x0"], route=case["uniforms"]["route"], renoise=random)
    sampler = corrector_of(case, preset)
    step = case["step"] if preset == "predictor_corrector" else case["predictor_step"]
    done = one_step(sampler, state_of({**case, "step": step}, sampler, noise_level=1 - case["alpha_t"]))
    assert done.prediction["drawn"][0].tolist() == case["decision"]["x0"]
    assert done.after.tokens[0].tolist() == sequence_after(case)


def sequence_after(case):
    """What the original's decision leaves."""
    return case["decision"]["canvas_after"]


@of("predictor_corrector", lambda case: case["kind"] == "corrector")
def test_corrector(case, monkeypatch):
    tokens = [0.5] * len(case["tokens"])
    for position, uniform in zip(sorted(case["decision"]["selected"]), case["uniforms"]["tokens"], strict=True):
        tokens[position] = uniform
    use_uniforms(monkeypatch, corrector=case["uniforms"]["selection"], gibbs=tokens)
    sampler = corrector_of(case)
    state = state_of(case, sampler, noise_level=1 - case["alpha"])
    done = one_step(sampler, state)
    margin = done.prediction["gibbs_margin"][0]
    torch.testing.assert_close(margin, torch.tensor(case["decision"]["margin"]).double(), atol=1e-6, rtol=1e-5)
    assert positions(sampler.plan.swept(state, done.prediction)) == sorted(case["decision"]["selected"])
    assert written(done) == recorded(case, "replace")
    assert done.after.tokens[0].tolist() == sequence_after(case)


def segment(case):
    """The mode of κ in the step of a case, such as "max-capped-0.05"; None at a border between segments."""
    psi, count = case["psi"], case["steps"] + 1
    high = round(psi["high_frac"] * count)
    middle = high + round(psi["middle_frac"] * count)
    names = ["high_mode"] * high + ["middle_mode"] * (middle - high) + ["low_mode"] * (count - middle)
    here = names[case["step"]]
    return psi[here] if names[case["step"] + 1] == here else None


@pytest.mark.parametrize(("mode", "kappa"), [("constant-remdm-", ConstantRemasking), ("max-capped-", CappedRemasking)])
def test_kappa_of_remasking(mode, kappa):
    """Differs: η·min(1, σ_max) in the place of the original's max-rescale, η·min(η, σ_max)."""
    found = 0
    for case in recorded_file("psi")["cases"]:
        name = segment(case) if "kappa" in case else None
        if name and name.startswith(mode):
            found += 1
            assert float(kappa(float(name[len(mode) :]))(*alphas(case))) == pytest.approx(case["kappa"], abs=1e-6)
    assert found >= 2
