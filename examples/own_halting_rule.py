"""A halting rule of your own, without learning: stop when even the least confident open position is confident.

python examples/own_halting_rule.py runs/quickstart puzzles.txt
"""

import sys
from dataclasses import dataclass

import torch

import adaptive_diffusion as ad
from adaptive_diffusion.core.logit_statistics import Top


@dataclass(frozen=True)
class LeastConfident(ad.halting.Halting):
    """Stop when the largest probability is at least `least` at every position that stays open."""

    least: float = 0.7
    reason = "least_confident"
    sentence = "even the least confident position was confident enough"
    explanation = "the least confident open position has {confidence:.3f}; it stops at {least:.3f}"

    def logit_statistics(self):
        return (Top(),)  # gives `confidence`, the largest probability at each position

    def __call__(self, state, prediction, decision):
        open_now = decision.still_open(state)
        lowest = prediction["confidence"].masked_fill(~open_now, 1.0).amin(1)
        seen = {"confidence": lowest, "least": torch.full_like(lowest, self.least)}
        return ad.halting.HaltDecision(lowest >= self.least, seen=seen)


def main(run: str = "runs/quickstart", file: str = "puzzles.txt") -> None:
    model = ad.load(run)
    queries = ad.read_queries(file, model.task)
    for least in (0.5, 0.7, 0.9):
        sampler = ad.Sampler(model, pace=ad.pace.Threshold(0.95), halting=LeastConfident(least))
        result = sampler.sample(queries, seed=0, trace=True)
        print(f"least={least}: {result.nfe.double().mean():.2f} NFE on average")
    print(result.explain(0))


if __name__ == "__main__":
    main(*sys.argv[1:])
