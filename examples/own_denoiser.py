"""A denoiser of your own: any module with these attributes and two methods, here a convolutional network.

python examples/own_denoiser.py
"""

import sys

from plain_training import compare, train
from torch import nn

from adaptive_diffusion.core.corruption import Absorbing
from adaptive_diffusion.core.denoiser import Evaluation
from adaptive_diffusion.tasks.sudoku import SudokuDataModule


class Convolution(nn.Module):
    memory = None  # it carries nothing from one step to the next
    time_invariant = True  # it looks at tokens and status alone, not at the noise level
    computes_all_blocks = True  # it gives hidden states at every position

    def __init__(self, vocabulary, width=64, depth=4, reach=13):
        super().__init__()
        self.vocabulary, self.width = vocabulary, width
        self.corruption = Absorbing(mask_id=vocabulary)  # the noise it is trained under
        self.tokens, self.status = nn.Embedding(vocabulary + 1, width), nn.Embedding(3, width)
        self.layers = nn.ModuleList(nn.Conv1d(width, width, reach, padding=reach // 2) for _ in range(depth))
        self.out = nn.Linear(width, vocabulary)

    def evaluate(self, state):
        hidden = (self.tokens(state.tokens) + self.status(state.status)).transpose(1, 2)
        for layer in self.layers:
            hidden = hidden + nn.functional.gelu(layer(hidden))
        return Evaluation(hidden.transpose(1, 2))  # [B, L, width]

    def logits(self, hidden):
        return self.out(hidden).float()  # [P, width] to [P, vocabulary], only where a rule reads


def main(steps: int = 500) -> None:
    data = SudokuDataModule(size=4, batch_size=128, test_puzzles=200, clues=[4, 10])
    compare(train(data, steps, Convolution(data.task.vocabulary)), data)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
