"""A check of weights that were read from elsewhere."""

import torch
from torch import nn


@torch.no_grad()
def check_weights(model: nn.Module) -> None:
    """Each tensor is read once; its sum is finite if its values are.

    Raises:
        ValueError: a parameter holds NaN or infinity; it is named.
    """
    faulty = [
        name
        for name, value in model.named_parameters()
        if value.is_floating_point()
        and not value.sum(dtype=torch.float32).isfinite()
        and not value.isfinite().all()  # the sum alone may overflow
    ]
    if faulty:
        more = f" and {len(faulty) - 1} more" if len(faulty) > 1 else ""
        raise ValueError(
            f"the weights of {type(model).__name__} hold NaN or infinity in {faulty[0]!r}{more}; the file is damaged "
            "or its training diverged: take another checkpoint"
        )
