"""How often a sampler is right, and what it pays: the figures of a summary row."""

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


class SamplerSummary(Metric):
    """Share of exact and of valid answers, mean, 95th percentile and maximum NFE, over all queries seen.

    The 95th percentile is the smallest NFE that is enough for 95% of the queries, so it is one that was really spent.
    `compute()` gives a dict of floats with the keys of a summary row; `exact` or `valid` is None if it was never given.
    """

    full_state_update = False

    def __init__(self) -> None:
        super().__init__()
        self.nfe: list[Tensor]
        self.exact: list[Tensor]
        self.valid: list[Tensor]
        for state in ("nfe", "exact", "valid"):
            self.add_state(state, default=[], dist_reduce_fx="cat")

    def update(self, nfe: Tensor, exact: Tensor | None = None, valid: Tensor | None = None) -> None:
        """Adds rows: `nfe` [R] forwards, `exact` and `valid` bool [R], or None for a task without a target or rules."""
        self.nfe.append(nfe.long())
        if exact is not None:
            self.exact.append(exact.double())
        if valid is not None:
            self.valid.append(valid.double())

    def compute(self) -> dict[str, float | None]:
        if not self.nfe:
            raise ValueError("no queries to summarise: call update first")
        nfe = dim_zero_cat(self.nfe).sort().values
        enough = (95 * len(nfe) + 99) // 100
        return {
            "exact": _share(self.exact),
            "valid": _share(self.valid),
            "nfe_mean": nfe.double().mean().item(),
            "nfe_p95": float(nfe[enough - 1]),
            "nfe_max": float(nfe[-1]),
            "queries": len(nfe),
        }


def _share(states: list[Tensor]) -> float | None:
    return dim_zero_cat(states).mean(dtype=torch.float64).item() if len(states) else None
