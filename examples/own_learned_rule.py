"""A learned halting rule of your own. Run it with: python examples/own_learned_rule.py runs/quickstart"""

import sys
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch import nn
from torch.nn import functional as F

import adaptive_diffusion as ad
from adaptive_diffusion.models.head import Head
from adaptive_diffusion.objectives.head_loss import HeadLoss
from adaptive_diffusion.tasks.sudoku import SudokuDataModule
from adaptive_diffusion.training.denoiser_module import DenoiserModule
from adaptive_diffusion.training.lightning_data import LightningData
from adaptive_diffusion.training.training_states import OnPolicyRollouts


class ErrorCount(Head):
    """log of the expected number of wrong tokens [B] if the row stopped now."""

    def __init__(self, width: int):
        super().__init__()
        self.map = nn.Sequential(nn.Linear(width, 32), nn.SiLU(), nn.Linear(32, 1))

    def forward(self, hidden):
        return self.map(hidden.float().mean(1))[:, 0]

    def loss(self, inputs):
        return F.poisson_nll_loss(self(inputs.hidden), (inputs.outcome.answer != inputs.clean).sum(1).float())


@dataclass(frozen=True)
class FewErrors(ad.halting.Halting):
    most: float = 0.05
    head: Any = None  # the sampler puts the model's head `errors` here
    needs_head = "errors"
    reason, sentence = "few_errors", "hardly any token is expected to be wrong"
    explanation = "{errors:.2f} wrong tokens are expected; it stops at {most:.2f}"

    def __call__(self, state, prediction, decision):
        errors = self.head(prediction.evaluation.hidden).exp()
        seen = {"errors": errors, "most": torch.full_like(errors, self.most)}
        return ad.halting.HaltDecision(errors <= self.most, seen=seen)


if __name__ == "__main__":
    run, steps = [*sys.argv[1:], *["runs/quickstart", "300"][len(sys.argv) - 1 :]]
    model, data = ad.load(run), SudokuDataModule(size=6, batch_size=128, test_puzzles=5)
    model.heads["errors"] = ErrorCount(model.width)
    rollouts = OnPolicyRollouts(rows=128, sampler=lambda denoiser: ad.Sampler(denoiser, pace=ad.pace.Threshold(0.8)))
    module = DenoiserModule(model, [rollouts], [HeadLoss("errors")], trainable=["errors"])
    trainer = Trainer(max_steps=int(steps), logger=False, enable_checkpointing=False, limit_val_batches=0)
    trainer.fit(module, LightningData(data))
    sampler = ad.Sampler(model.eval(), pace=ad.pace.Threshold(0.8), halting=FewErrors())
    print(sampler.sample(data.task.queries(data.test), trace=True).explain(0))
