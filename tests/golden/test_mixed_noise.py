"""GIDD decides as the original implementation does; each test names its differences on purpose."""

import pytest
import torch
from golden_steps import (
    Prescribed,
    of,
    one_step,
    positions,
    recorded,
    remasked,
    replaced,
    sampler_of,
    state_of,
    use_uniforms,
    written,
)

from adaptive_diffusion.core.corruption import MaskUniform
from adaptive_diffusion.rules.plans.gidd import MixedClock, reverse_probability


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
