"""Where models compute and how precisely: chosen once for a command, used by everything it starts."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.sampling.sampler import Sampler

AUTO = "auto"
DEVICES = (AUTO, "cpu", "cuda", "mps")
PRECISIONS = (AUTO, "32-true", "bf16-mixed", "16-mixed", "bf16-true", "16-true", "64-true")
"""In Lightning's words: `true` is the number format of the weights, `mixed` keeps them in float32."""
FORMATS = {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16, "64": torch.float64}


@dataclass(frozen=True)
class Compute:
    """Where and how precisely models compute.

    Attributes:
        device: a device that is there.
        precision: one of `PRECISIONS`. `auto` trains in bf16-mixed where the hardware multiplies it, else in 32-true,
            and samples in 32-true.
    """

    device: torch.device = torch.device("cpu")  # noqa: RUF009 (immutable)
    precision: str = AUTO

    @classmethod
    def choose(cls, device: str = AUTO, precision: str = AUTO) -> "Compute":
        """The device and precision of that name; `auto` is a GPU where there is one.

        Raises:
            ValueError: for another name, or a device that is not there.
        """
        if device not in DEVICES:
            raise ValueError(f"There is no device {device!r}; choose one of {', '.join(DEVICES)}.")
        if precision not in PRECISIONS:
            raise ValueError(f"There is no precision {precision!r}; choose one of {', '.join(PRECISIONS)}.")
        there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        if device == AUTO:
            device = next(name for name in ("cuda", "mps", "cpu") if there[name])
        if not there[device]:
            usable = ", ".join(name for name, usable in there.items() if usable)
            raise ValueError(f"This machine has no device {device!r} that torch can use; it has {usable}.")
        return cls(torch.device(device), precision)

    @property
    def training(self) -> str:
        """The precision of training, for Lightning's `Trainer`."""
        return best_precision(self.device) if self.precision == AUTO else self.precision

    @property
    def sampling(self) -> str:
        """The precision of sampling and evaluation."""
        return "32-true" if self.precision == AUTO else self.precision

    def __str__(self) -> str:
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else ""
        return f"{self.device.type}{f' ({name})' if name else ''}, training in {self.training}, sampling in {self.sampling}"

    def place(self, model: nn.Module) -> nn.Module:
        """The model on the device, its weights in the number format of sampling. It is changed in place."""
        number, _, kind = self.sampling.partition("-")
        return model.to(self.device, FORMATS[number] if kind == "true" and self.precision != AUTO else None)

    def casting(self) -> AbstractContextManager[Any]:
        """The context in which a placed model computes in the precision of sampling."""
        number, _, kind = self.sampling.partition("-")
        return torch.autocast(self.device.type, FORMATS[number]) if kind == "mixed" else nullcontext()


@dataclass(frozen=True)
class PlacedSampler:
    """A sampler on a device: queries and answers are on the CPU, everything in between on the device.

    Attributes:
        sampler: on a model that `compute` placed.
    """

    sampler: Sampler
    compute: Compute

    def sample(self, queries: Queries, **options: Any) -> SampleResult:
        """As `Sampler.sample`, with its options."""
        with self.compute.casting():
            return on_cpu(self.sampler.sample(queries.to(self.compute.device), **options))


def on_cpu(result: SampleResult) -> SampleResult:
    """The answers on the CPU."""
    columns = {item.name: getattr(result, item.name) for item in fields(result)}
    return replace(result, **{name: value.cpu() for name, value in columns.items() if isinstance(value, Tensor)})


def best_precision(device: torch.device) -> str:
    """bf16-mixed where the device multiplies it in hardware, else 32-true."""
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()
    return "bf16-mixed" if fast else "32-true"
