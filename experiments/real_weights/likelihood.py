"""How likely a masked language model finds what was written."""

import numpy as np
import torch
from torch import Tensor

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.heads import DenoiserWithHeads

GROUPS, ROWS = 4, 32


class PseudoLikelihood:
    """The geometric mean of p(residue | the others) over the residues that were written; one over it is the
    pseudo-perplexity (Salazar et al. 2020, arXiv 1910.14659).

    Not each residue alone is masked, but every fourth of those written, at once: four forwards an answer and not forty.
    Equal answers to a query are evaluated once.
    """

    def __init__(self, model: DenoiserWithHeads):
        self.model = model
        self.known: dict[tuple[int, bytes], float] = {}

    @torch.inference_mode()
    def __call__(self, queries: Queries, answers: Tensor) -> np.ndarray:
        """float64 [R] for the answers [R, L] to R queries."""
        keys = [(query, row.numpy().tobytes()) for query, row in zip(queries.ids.tolist(), answers.int(), strict=True)]
        new = [row for row, key in enumerate(keys) if key not in self.known]
        for part in torch.tensor(new, dtype=torch.int64).split(ROWS) if new else ():
            for row, value in zip(part.tolist(), self._fresh(queries.editable[part], answers[part]), strict=True):
                self.known[keys[row]] = value
        return np.array([self.known[key] for key in keys])

    def _fresh(self, editable: Tensor, answers: Tensor) -> list[float]:
        place = (editable.cumsum(1) - 1) % GROUPS
        total = torch.zeros(len(answers), dtype=torch.float64)
        mask = self.model.corruption.mask_id  # type: ignore[union-attr]
        for group in range(GROUPS):
            hidden_away = editable & (place == group)
            tokens = answers.masked_fill(hidden_away, mask)
            hidden = self.model.denoiser.hidden(tokens, hidden_away.long() * 2)  # type: ignore[operator]
            log_p = self.model.logits(hidden[hidden_away]).double().log_softmax(-1)
            found = log_p.gather(-1, answers[hidden_away][:, None])[:, 0]
            total.index_add_(0, hidden_away.nonzero()[:, 0], found)
        return (total / editable.sum(1)).exp().tolist()
