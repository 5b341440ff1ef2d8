"""Train a denoiser in plain Python with a Lightning Trainer and no config, here on 4×4 Sudoku.

python examples/plain_training.py
"""

import sys
from functools import partial

import torch
from lightning.pytorch import Trainer
from torch.optim.lr_scheduler import OneCycleLR

import adaptive_diffusion as ad
from adaptive_diffusion.models.heads import QualityHead
from adaptive_diffusion.models.positions import LearnedPositions
from adaptive_diffusion.models.transformer import TransformerDenoiser
from adaptive_diffusion.objectives.denoising import Denoising
from adaptive_diffusion.objectives.head_loss import HeadLoss
from adaptive_diffusion.tasks.sudoku import SudokuDataModule
from adaptive_diffusion.training.denoiser_module import DenoiserModule
from adaptive_diffusion.training.lightning_data import LightningData
from adaptive_diffusion.training.training_states import RandomMasking


def train(data, steps, denoiser=None):
    """A model for the task of some task data; the transformer is small unless you give another denoiser."""
    torch.manual_seed(0)
    task = data.task
    if denoiser is None:
        positions = LearnedPositions(task.positions.tolist())
        denoiser = TransformerDenoiser(task.vocabulary, positions, width=64, depth=3, heads=4)
    model = ad.wrap(denoiser, heads={"quality": QualityHead(denoiser.width)}, task=task)
    module = DenoiserModule(
        model,
        training_states=[RandomMasking(rows=data.batch_size, wrong=0.1)],  # a tenth of the visible tokens is wrong
        objectives=[Denoising(), HeadLoss("quality")],
        optimizer=partial(torch.optim.AdamW, lr=3e-3),
        scheduler=partial(OneCycleLR, max_lr=3e-3, total_steps=steps),
    )
    options = {"logger": False, "enable_checkpointing": False, "limit_val_batches": 0, "enable_model_summary": False}
    Trainer(max_steps=steps, gradient_clip_val=1.0, **options).fit(module, LightningData(data))
    return model.eval()


def compare(model, data):
    """Accuracy and mean NFE on the test problems at several thresholds."""
    for threshold in (0.5, 0.9, 0.99):
        result = ad.Sampler(model, pace=ad.pace.Threshold(threshold)).sample(data.task.queries(data.test))
        correct = data.task.correct(result.answers, data.test)
        print(f"threshold {threshold}: {correct.float().mean():.1%} correct, {result.nfe.double().mean():.2f} NFE")


def main(steps: int = 500) -> None:
    data = SudokuDataModule(size=4, batch_size=128, test_puzzles=200, clues=[4, 10])
    compare(train(data, steps), data)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
