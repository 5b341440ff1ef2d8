"""Rows and candidates of one step, for tests of plans."""

from dataclasses import replace

import torch

from adaptive_diffusion.core.state import Candidate
from adaptive_diffusion.rules.composed import Composed
from adaptive_diffusion.rules.order import Confidence
from adaptive_diffusion.rules.pace import FixedCount
from adaptive_diffusion.rules.remasking import NoRemasking

M = 9
ONE_A_STEP = Composed(Confidence(), FixedCount(1), NoRemasking())


def candidate(probabilities, tokens=None):
    probability = torch.tensor(probabilities)
    token = torch.zeros(probability.shape, dtype=torch.int64) if tokens is None else torch.tensor(tokens)
    return Candidate(token, probability)


def carried(plan, state, **values):
    return replace(state, carry={**plan.init_carry(state, 3), **values})


def places(mask):
    return [row.nonzero()[:, 0].tolist() for row in mask]
