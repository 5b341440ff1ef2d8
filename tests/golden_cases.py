"""Golden decisions: what an original implementation decided on given inputs, replayed by our samplers.

A file `tests/golden/<sampler>.json` names repository, commit and function, and holds cases. A case is one record, or a
run whose records are its `sequence`. A record holds the sequence before a step (`tokens`, mask = K, and `open`), the
logits of the forward (given, whatever the sequence), and in `decision` the positions written and their tokens.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from adaptive_diffusion.config import compose_part, instantiate
from adaptive_diffusion.core.corruption import Absorbing
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.row_noise import RowNoise
from adaptive_diffusion.core.rule import Proposal
from adaptive_diffusion.core.state import Candidate, SamplerState
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.step import Step, step

FOLDER = Path(__file__).with_name("golden")
Case = Mapping[str, Any]


def cases(sampler: str) -> list[Case]:
    """All cases of a sampler's file."""
    return json.loads((FOLDER / f"{sampler}.json").read_text())["cases"]


def name(case: Case) -> str:
    """How a case is called in a test's id."""
    return str(case.get("name", "")).replace("[", "(").replace("]", ")")


def of(sampler: str, keep: Callable[[Case], bool] = lambda case: True) -> pytest.MarkDecorator:
    """Parametrises by the cases of a file; those that are left out are compared elsewhere, or differ on purpose."""
    return pytest.mark.parametrize("case", [case for case in cases(sampler) if keep(case)], ids=name)


def records(case: Case) -> Sequence[Case]:
    """The steps of a case."""
    return case.get("sequence", [case])


def places(case: Case) -> dict[tuple[int, int], int]:
    """(number of the block, step in the block) → index of the record."""
    found, blocks = {}, []
    for index, record in enumerate(records(case)):
        block = record.get("block", [0])[0]
        if not blocks or blocks[-1] != block:
            blocks.append(block)
            begin = index
        found[len(blocks) - 1, index - begin] = index
    return found


class Replay(torch.nn.Module):
    """A denoiser that predicts the logits of a case's record in each step of each block."""

    memory, time_invariant, computes_all_blocks = None, False, True

    def __init__(self, case: Case):
        super().__init__()
        self.logits_of = torch.tensor([record["logits"] for record in records(case)])
        self.places = places(case)
        self.vocabulary = self.width = self.logits_of.shape[-1]
        self.corruption = Absorbing(self.vocabulary)

    def evaluate(self, state: SamplerState) -> Evaluation:
        steps = zip(state.block.tolist(), state.step.tolist(), strict=True)
        return Evaluation(self.logits_of[[self.places[place] for place in steps]])

    def logits(self, hidden: Tensor) -> Tensor:
        return hidden


@dataclass(frozen=True, eq=False)
class RecordedDraw(Proposal):
    """The tokens that the original drew, and their probabilities."""

    case: Case

    def __call__(self, state, prediction) -> Candidate:
        record = records(self.case)[places(self.case)[int(state.block[0]), int(state.step[0])]]
        known = [0.0 if value is None else value for value in record["candidate_probability"]]
        return Candidate(torch.tensor([record["candidate"]]), torch.tensor([known], dtype=torch.float64))


def sampler_of(preset: str, case: Case, *overrides: str, **parts: Any) -> Sampler:
    """A named sampler on a case's logits, with overrides of its config or with other rules."""
    return replace(instantiate(compose_part("sampler", preset, overrides))(Replay(case)), **parts)


def steps_of(sampler: Sampler, case: Case) -> list[Step]:
    """The steps that a sampler makes from the first record of a case, as far as there are records."""
    first, known, found = records(case)[0], places(case), []
    tokens = torch.tensor([first["tokens"]])
    masks = tokens == len(first["logits"][0])  # of a run, those of later blocks too
    queries = Queries.of(tokens, masks if "sequence" in case else torch.tensor([first["open"]]))
    state = sampler.begin(queries, torch.zeros(1, dtype=torch.int64), seed=0)
    while state.running.all() and (int(state.block[0]), int(state.step[0])) in known:
        found.append(step(sampler, state, max_steps=1 << 30))
        state = found[-1].after
    return found


def written(step: Step) -> dict[int, int]:
    """Position → token of what one row writes in a step, what a halted row fills in included."""
    before, after = step.before, step.after
    new = after.committed[0] & ~before.committed[0] & before.editable[0]
    return {position: int(after.tokens[0, position]) for position in new.nonzero()[:, 0].tolist()}


def recorded(record: Case) -> dict[int, int]:
    """Position → token of what the original wrote."""
    return dict(zip(record["decision"]["write"], record["decision"]["token"], strict=True))


class RecordedNoise:
    """Uniforms by purpose in the place of a row's noise: a list of one [L] per record, or of one number per draw."""

    def __init__(self, case: Case, **uniforms: Sequence[Any]):
        self.places = places(case)
        self.values = {purpose.replace("_", " "): torch.tensor(each).double() for purpose, each in uniforms.items()}
        self.drawn = dict.fromkeys(self.values, 0)

    def install(self, monkeypatch) -> None:
        """Patches `RowNoise` for one test."""
        original = RowNoise.everywhere, RowNoise.at, RowNoise.once_a_step

        def row(noise: RowNoise, purpose: str) -> Tensor:
            return self.values[purpose][self.places[int(noise.block[0]), int(noise.step[0])]]

        def everywhere(noise: RowNoise, purpose: str, length: int) -> Tensor:
            known = purpose in self.values
            return row(noise, purpose)[None] if known else original[0](noise, purpose, length)

        def at(noise: RowNoise, purpose: str, rows: Tensor, positions: Tensor) -> Tensor:
            known = purpose in self.values
            return row(noise, purpose)[positions] if known else original[1](noise, purpose, rows, positions)

        def once_a_step(noise: RowNoise, purpose: str) -> Tensor:
            if purpose not in self.values:
                return original[2](noise, purpose)
            self.drawn[purpose] += 1
            return self.values[purpose][self.drawn[purpose] - 1][None]

        for method in (everywhere, at, once_a_step):
            monkeypatch.setattr(RowNoise, method.__name__, method)
