"""Single steps of our samplers on recorded inputs, for the golden decisions of samplers that revise.

A file `tests/golden/<sampler>.json` names repository, commit and function of an original implementation, and holds its
decisions. Of a case a row is made that stands before the step (`tokens`, with the mask as token K; `open`; `given`); a
denoiser predicts the recorded `logits`; recorded uniforms replace the row's noise.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar

import pytest
import torch
from golden_cases import FOLDER, Case
from small_worlds import sampler_state

from adaptive_diffusion.config import compose_part, instantiate
from adaptive_diffusion.core.corruption import Absorbing, Corruption
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.row_noise import RowNoise
from adaptive_diffusion.core.rule import Proposal
from adaptive_diffusion.core.state import Candidate, SamplerState
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.step import Step, step


@cache
def recorded_file(sampler: str) -> Mapping[str, Any]:
    """The file of a sampler."""
    return json.loads((FOLDER / f"{sampler}.json").read_text())


def of(sampler: str, keep: Callable[[Case], bool] = lambda case: True) -> pytest.MarkDecorator:
    """Parametrises by the cases of a file; those that are left out are compared elsewhere, or differ on purpose."""
    numbered = enumerate(recorded_file(sampler)["cases"])
    chosen = [pytest.param(case, id=str(number)) for number, case in numbered if keep(case)]
    assert len(chosen) >= 2
    return pytest.mark.parametrize("case", chosen)


class Prescribed:
    """A denoiser that predicts the logits [L, K] and summaries it is given, whatever the sequence."""

    memory, time_invariant, computes_all_blocks = None, False, True
    heads: ClassVar = {"halting": torch.nn.Identity()}

    def __init__(self, logits: Any, corruption: Corruption | None = None, **summaries: Any):
        self.given = torch.tensor(logits, dtype=torch.float64)
        self.vocabulary = self.width = self.given.shape[-1]
        self.corruption = corruption or Absorbing(self.vocabulary)
        self.summaries = {name: torch.tensor([value], dtype=torch.float64) for name, value in summaries.items()}
        self.seen: list[SamplerState] = []

    def evaluate(self, state: SamplerState) -> Evaluation:
        self.seen.append(state)
        return Evaluation(self.given[None], self.summaries)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden


@dataclass(frozen=True, eq=False)
class Recorded(Proposal):
    """The tokens [L] that the original drew, and their probabilities [L]."""

    token: Any
    probability: Any = None

    def __call__(self, state, prediction) -> Candidate:
        token = torch.tensor([self.token])
        known = torch.ones(token.shape, dtype=torch.float64)
        return Candidate(token, known if self.probability is None else torch.tensor([self.probability]).double())


@cache
def preset_of(preset: str) -> Callable[[Any], Sampler]:
    """A named sampler that waits for its denoiser, without its view."""
    recipe = instantiate(compose_part("sampler", preset))
    return recipe.keywords.get("sampler", recipe)


def sampler_of(preset: str, denoiser: Any, **parts: Any) -> Sampler:
    """A named sampler on a denoiser, without blocks and views. `parts` are other rules, or a dict of settings for the
    preset's own rule; settings of a rule within it are a dict too."""
    sampler = replace(preset_of(preset)(denoiser), block_length=None)
    return changed(sampler, parts)


def changed(rule: Any, settings: Mapping[str, Any]) -> Any:
    """A record with other settings, those that are dicts applied to the record that is there."""
    new = {
        name: changed(vars(rule)[name], value) if isinstance(value, dict) else value for name, value in settings.items()
    }
    return replace(rule, **new)


def state_of(case: Case, sampler: Sampler, carry: Mapping[str, Any] | None = None, **fields: Any) -> SamplerState:
    """The row before the step of a case. `fields` are those of the state, as plain values; a position is committed
    that is neither open nor given."""
    tokens, is_open = torch.tensor([case["tokens"]]), torch.tensor([case["open"]])
    given = torch.tensor([case["given"]]) if "given" in case else torch.zeros_like(is_open)
    dtypes = {"noise_level": torch.float64, "revisions": torch.int32, "commit_probability": torch.float32}
    state = sampler_state(
        tokens.tolist(),
        committed=(~is_open & ~given).int().tolist(),
        editable=(~given).int().tolist(),
        corruption=sampler.denoiser.corruption,
        step=torch.tensor([case.get("step", 0)]),
        **{name: torch.tensor([value], dtype=dtypes.get(name)) for name, value in fields.items()},
    )
    first = {k: v for rule in sampler.rules for k, v in rule.init_carry(state, sampler.denoiser.vocabulary).items()}
    carry = {k: torch.tensor(v, dtype=first[k].dtype).reshape(first[k].shape) for k, v in (carry or {}).items()}
    return replace(state, carry={**first, **carry})


def one_step(sampler: Sampler, state: SamplerState) -> Step:
    """The step that follows; only the sampler's own rules end the row."""
    return step(sampler, state, max_steps=1 << 30)


def positions(where: torch.Tensor) -> list[int]:
    """Of one row."""
    return where[0].nonzero()[:, 0].tolist()


def written(done: Step) -> dict[int, int]:
    """Position → token of open positions that the decision commits."""
    where = positions(done.decision.write & done.before.open)
    return {i: int(done.decision.token[0, i]) for i in where}


def remasked(done: Step) -> list[int]:
    """Committed positions that the decision takes back."""
    return positions(done.decision.remask & done.before.revisable)


def replaced(done: Step) -> dict[int, int]:
    """Position → token of committed positions that the decision gives another token."""
    decision, before = done.decision, done.before
    where = positions(decision.write & before.revisable & (decision.token != before.tokens) & ~decision.remask)
    return {i: int(decision.token[0, i]) for i in where}


def recorded(case: Case, what: str = "write") -> dict[int, int]:
    """Position → token of what the original wrote, or of what it replaced."""
    decision = case["decision"]
    tokens = decision["token" if what == "write" else f"{what}_token"] if decision.get(what) else []
    return dict(zip(decision.get(what, []), tokens, strict=True))


def use_uniforms(monkeypatch: Any, **uniforms: Any) -> None:
    """Replaces the noise of one row for one test: purpose → uniforms [L], or one number for all positions."""
    known = {name.replace("_", " "): torch.tensor(value, dtype=torch.float64) for name, value in uniforms.items()}
    everywhere, at, once = RowNoise.everywhere, RowNoise.at, RowNoise.once_a_step
    patches = {
        "everywhere": lambda noise, purpose, length: (
            known[purpose].expand(1, length) if purpose in known else everywhere(noise, purpose, length)
        ),
        "at": lambda noise, purpose, rows, where: (
            known[purpose].expand(int(where.max()) + 1 if not known[purpose].ndim else len(known[purpose]))[where]
            if purpose in known
            else at(noise, purpose, rows, where)
        ),
        "once_a_step": lambda noise, purpose: known[purpose].reshape(1) if purpose in known else once(noise, purpose),
    }
    for name, method in patches.items():
        monkeypatch.setattr(RowNoise, name, method)
