"""ReMDM takes tokens back as the original implementation does; each test names its differences on purpose."""

import pytest
import torch
from golden_steps import (
    Prescribed,
    of,
    positions,
    recorded_file,
    sampler_of,
    state_of,
)

from adaptive_diffusion.rules.pace import commit_probability


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
