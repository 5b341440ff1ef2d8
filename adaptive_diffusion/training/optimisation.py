"""The optimiser and the learning rate of a training, as a config or a caller chooses them."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

MakeOptimizer = Callable[[list[dict[str, Any]]], Optimizer]
"""Makes an optimiser from parameter groups, such as `partial(torch.optim.AdamW, lr=1e-3)`."""
MakeScheduler = Callable[[Optimizer], LRScheduler]
"""Makes a learning-rate schedule that is stepped once per optimiser step."""
ADAMW: MakeOptimizer = partial(torch.optim.AdamW, lr=1.5e-3, betas=(0.9, 0.98))
"""What is used where nothing else is chosen."""


def optimisation(module: nn.Module, optimizer: MakeOptimizer, scheduler: MakeScheduler | None) -> Any:
    """What `LightningModule.configure_optimizers` returns for the parameters of `module` that learn.

    Weight decay acts on matrices only: biases, gains and other vectors have none (Loshchilov and Hutter 2019,
    arXiv 1711.05101, leave this open; it is the practice for transformers).
    """
    learning = [parameter for parameter in module.parameters() if parameter.requires_grad]
    matrices = [parameter for parameter in learning if parameter.ndim > 1]
    vectors = [parameter for parameter in learning if parameter.ndim <= 1]
    made = optimizer([{"params": matrices}, {"params": vectors, "weight_decay": 0.0}])
    if scheduler is None:
        return {"optimizer": made}
    return {"optimizer": made, "lr_scheduler": {"scheduler": scheduler(made), "interval": "step"}}
