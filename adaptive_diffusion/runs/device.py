"""Where models compute and how precisely: chosen once for a command, used by everything it starts."""

from dataclasses import dataclass
from typing import Any

import torch

from adaptive_diffusion.models.heads import DenoiserWithHeads

AUTO = "auto"
DEVICES = (AUTO, "cpu", "cuda", "mps")
FORMATS = {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16, "64": torch.float64}
PRECISIONS = (AUTO, "32-true", "bf16-mixed", "16-mixed", "bf16-true", "16-true", "64-true")
"""In Lightning's words: `true` is the number format of the weights; `mixed` keeps them in float32 while they learn."""


@dataclass(frozen=True)
class Compute:
    """Where and how precisely models compute.

    Attributes:
        device: a device that is there.
        precision: one of `PRECISIONS`. `auto` trains in bf16-mixed where the hardware multiplies it, else in 32-true,
            and samples in the number format of the checkpoint.
    """

    device: torch.device = torch.device("cpu")  # noqa: RUF009 (immutable)
    precision: str = AUTO

    @classmethod
    def choose(cls, device: str = AUTO, precision: str = AUTO) -> "Compute":
        """The device and precision of these names; the device `auto` is a GPU where there is one.

        Raises:
            ValueError: for another name, or a device that is not there.
        """
        if device not in DEVICES:
            raise ValueError(f"There is no device {device!r}; choose one of {', '.join(DEVICES)}.")
        if precision not in PRECISIONS:
            raise ValueError(f"There is no precision {precision!r}; choose one of {', '.join(PRECISIONS)}.")
        there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
        if device == AUTO:
            device = next(name for name, usable in there.items() if usable)
        if not there[device]:
            usable = ", ".join(name for name, usable in there.items() if usable)
            raise ValueError(f"This machine has no device {device!r} that torch can use; it has {usable}.")
        return cls(torch.device(device), precision)

    @property
    def training(self) -> str:
        """The precision of training, for Lightning's `Trainer`."""
        return best_precision(self.device) if self.precision == AUTO else self.precision

    @property
    def weights(self) -> torch.dtype | None:
        """The number format that weights are sampled with; None leaves them as they are stored."""
        return None if self.precision == AUTO else FORMATS[self.precision.partition("-")[0]]

    def place(self, model: DenoiserWithHeads) -> DenoiserWithHeads:
        """The model on the device, its denoiser in the number format of sampling; heads, which are small, stay in
        float32. The model itself is changed."""
        model.denoiser.to(self.weights)
        return model.to(self.device)

    def __str__(self) -> str:
        return f"{self._named}; precision: {self.training} in training, {self._format} in sampling"

    def sampling(self) -> str:
        """As `str`, for commands that train nothing."""
        return f"{self._named}; precision: {self._format}"

    @property
    def _named(self) -> str:
        name = f" ({torch.cuda.get_device_name(self.device)})" if self.device.type == "cuda" else ""
        return f"device: {self.device.type}{name}"

    @property
    def _format(self) -> str:
        return "the checkpoint's format" if self.weights is None else str(self.weights).removeprefix("torch.")

    def as_json(self) -> dict[str, Any]:
        """As the manifest of a run holds it."""
        return {"device": self.device.type, "precision": self.precision}


def best_precision(device: torch.device) -> str:
    """bf16-mixed where the device multiplies it in hardware, else 32-true."""
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()
    return "bf16-mixed" if fast else "32-true"
