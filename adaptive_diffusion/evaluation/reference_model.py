"""Text scored by an autoregressive model, with entropy beside it: a text that repeats itself is likely, too."""

import math

import torch
from torch import Tensor

from adaptive_diffusion.models.autoregressive import AutoregressiveTransformer


@torch.inference_mode()
def nll_bits(reference: AutoregressiveTransformer, tokens: Tensor, context: int, rows: int = 32) -> Tensor:
    """[R, L] float32 bits, −log₂ p(x_i | the tokens before it): at least `context` − `context`/2 of them where there
    are so many, at most `context`, since a model of short windows reads a long text in windows that overlap by half."""
    parts = []
    for chunk in tokens.split(rows):
        bits = torch.zeros(chunk.shape, device=tokens.device)
        starts = range(0, max(1, chunk.shape[1] - context // 2), max(1, context // 2))
        for start in starts:
            window = chunk[:, start : start + context]
            log_p = reference.logits(reference.hidden(window)).log_softmax(-1)
            found = -log_p.gather(-1, window[..., None])[..., 0] / math.log(2)
            new = 0 if start == 0 else context - context // 2  # what the window before did not reach
            bits[:, start + new : start + context] = found[:, new:]
        parts.append(bits)
    return torch.cat(parts)


def unigram_entropy(tokens: Tensor) -> Tensor:
    """[R] float64 bits, the entropy of how often each token stands in a row of [R, L] (Zheng et al. 2024, arXiv
    2409.02908, report it beside every generative perplexity)."""
    found = []
    for row in tokens:
        share = row.unique(return_counts=True)[1].double() / len(row)
        found.append(-(share * share.log2()).sum())
    return torch.stack(found)
