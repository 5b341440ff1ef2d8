"""A denoiser that is a plain module: convolutions over the sequence."""

from torch import Tensor, nn

from adaptive_diffusion.core.corruption import Absorbing
from adaptive_diffusion.core.denoiser import Evaluation


class Convolution(nn.Module):
    """Residual convolutions of odd `reach`; the mask is token `vocabulary`."""

    memory = None  # it remembers nothing between two steps
    time_invariant = True  # it looks at tokens and status alone
    computes_all_blocks = True  # hidden states at every position

    def __init__(self, vocabulary: int, width: int = 64, depth: int = 4, reach: int = 9):
        super().__init__()
        self.vocabulary, self.width = vocabulary, width
        self.corruption = Absorbing(mask_id=vocabulary)
        self.tokens, self.status = nn.Embedding(vocabulary + 1, width), nn.Embedding(3, width)
        self.blocks = nn.ModuleList(nn.Conv1d(width, width, reach, padding=reach // 2) for _ in range(depth))
        self.out = nn.Linear(width, vocabulary)

    def evaluate(self, state) -> Evaluation:
        hidden = (self.tokens(state.tokens) + self.status(state.status)).transpose(1, 2)
        for block in self.blocks:
            hidden = hidden + nn.functional.gelu(block(hidden))
        return Evaluation(hidden.transpose(1, 2))

    def logits(self, hidden: Tensor) -> Tensor:
        return self.out(hidden).float()
