"""Adaptive compute and self-correction for discrete diffusion samplers.

The packages, from the bottom up: ``core``; ``rules``, ``models`` and ``tasks``; ``sampling``, ``decoding``,
``objectives`` and ``evaluation``; ``training`` and ``analysis``; ``config``; ``storage``; ``runs``; ``api``,
``plugins`` and ``playground``; ``cli``. A package imports packages of lower layers only.

What a user needs is here, and imported when it is first used:

    import adaptive_diffusion as ad

    model = ad.load("runs/quickstart")
    sampler = ad.Sampler(model, pace=ad.pace.Threshold(0.95))
    result = sampler.sample(ad.read_queries("queries.txt", model.task), seed=0)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adaptive_diffusion.api import halting, order, pace, plans, processors, proposal, remasking
    from adaptive_diffusion.api.models import load, wrap
    from adaptive_diffusion.api.queries import read_queries
    from adaptive_diffusion.core.query import Queries
    from adaptive_diffusion.sampling.result import SampleResult
    from adaptive_diffusion.sampling.sampler import Sampler

__version__: str
__all__ = [
    "Queries",
    "SampleResult",
    "Sampler",
    "halting",
    "load",
    "order",
    "pace",
    "plans",
    "processors",
    "proposal",
    "read_queries",
    "remasking",
    "wrap",
]

_ROLES = ("halting", "order", "pace", "plans", "processors", "proposal", "remasking")
_HOMES = {
    "Queries": "core.query",
    "SampleResult": "sampling.result",
    "Sampler": "sampling.sampler",
    "load": "api.models",
    "read_queries": "api.queries",
    "wrap": "api.models",
}


def __getattr__(name: str) -> Any:
    if name in _ROLES:
        return import_module(f"{__name__}.api.{name}")
    if name in _HOMES:
        return vars(import_module(f"{__name__}.{_HOMES[name]}"))[name]
    if name == "__version__":
        return _version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def _version() -> str:
    """The version of the installed distribution, which comes from its git tag; `0+unknown` if it is not installed."""
    from importlib import metadata

    try:
        return metadata.version("adaptive-diffusion")
    except metadata.PackageNotFoundError:
        return "0+unknown"


def __dir__() -> list[str]:
    return [*globals(), *__all__]
