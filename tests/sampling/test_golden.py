"""Golden answers: what samplers over the tiny oracle did when they were last looked at.

`PYTHONPATH=tests python tests/sampling/test_golden.py` writes them anew; the difference belongs in the commit that
means to change answers.
"""

import json
from pathlib import Path

import pytest
from small_worlds import oracle, random_queries

from adaptive_diffusion.rules.halting import MaxSteps
from adaptive_diffusion.rules.order import Margin, Random
from adaptive_diffusion.rules.pace import Ancestral, FixedSteps, RandomThreshold, Threshold
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling.sampler import Sampler
from adaptive_diffusion.sampling.slots import continuous, frozen

GOLDEN = Path(__file__).with_name("golden.json")
SAMPLERS = {
    "confidence": {},
    "margin": {"order": Margin()},
    "random": {"order": Random(), "proposal": Draw()},
    "fixed_2": {"pace": FixedSteps(2)},
    "threshold_0.5": {"pace": Threshold(0.5)},
    "random_threshold": {"pace": RandomThreshold(0.2, 0.6), "proposal": Draw(0.8)},
    "ancestral_6": {"proposal": Draw(), "order": Random(), "pace": Ancestral(6)},
    "halted_after_2": {"proposal": Draw(), "halting": MaxSteps(2)},
}


def record(name, loop=continuous):
    result = Sampler(oracle(3, 5), **SAMPLERS[name]).sample(
        random_queries(12, 5, 3, given=0.2), n=2, seed=5, slots=5, loop=loop
    )
    answers = ["".join(map(str, answer)) for answer in result.answers.tolist()]
    return {"answers": answers, "nfe": result.nfe.tolist(), "halt_reason": result.halt_reason.tolist()}


@pytest.mark.parametrize("loop", [continuous, frozen])
@pytest.mark.parametrize("name", SAMPLERS)
def test_answers_are_those_written_down(name, loop):
    assert record(name, loop) == json.loads(GOLDEN.read_text())[name]


if __name__ == "__main__":
    entries = {name: record(name) for name in SAMPLERS}
    GOLDEN.write_text("{\n" + ",\n".join(f'"{name}": {json.dumps(entry)}' for name, entry in entries.items()) + "\n}\n")
