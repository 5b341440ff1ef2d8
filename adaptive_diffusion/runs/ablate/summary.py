"""What a sweep says: each setting over its seeds, and its difference to the first setting, paired by seed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from adaptive_diffusion.config.grid import Setting
from adaptive_diffusion.evaluation.seeds import over_seeds

FIGURES = ("correct", "exact", "valid", "score", "nfe_mean", "nfe_p95", "nfe_max", "revisions_mean", "rewrites_mean")
"""Those of a summary row that another machine gives alike; seconds are in the cells."""

Found = dict[str, Mapping[str, Any]]
"""A sampler's row for each seed."""


def summarise(cells: Sequence[tuple[Setting, Sequence[Mapping[str, Any]]]]) -> list[dict[str, Any]]:
    """A row for each setting without its seed and each sampler, in the order of the cells.

    Every figure is `{"value", "low", "high"}`: mean and 95% interval of Student's t over seeds (null for one seed), and
    under `over_first` the same of its difference to the sampler's first setting, over the seeds that both have.
    """
    groups: dict[tuple[Setting, str], Found] = {}
    for setting, rows in cells:
        seed = next((part.removeprefix("seed=") for part in setting if part.startswith("seed=")), "")
        rest = tuple(part for part in setting if not part.startswith(("seed=", "sampler=")))
        for row in rows:
            groups.setdefault((rest, row["sampler"]), {})[seed] = row
    first: dict[str, Found] = {}
    for (_, sampler), found in groups.items():
        first.setdefault(sampler, found)
    return [
        {
            "setting": list(setting),
            "sampler": sampler,
            "seeds": list(found),
            **_figures(found),
            "over_first": None if found is first[sampler] else _differences(found, first[sampler]),
        }
        for (setting, sampler), found in groups.items()
    ]


def _figures(found: Found) -> dict[str, Any]:
    return {name: over_seeds(values).to_json() for name in FIGURES if (values := _values(found, name)) is not None}


def _differences(found: Found, first: Found) -> dict[str, Any]:
    seeds = [seed for seed in found if seed in first]
    ours, theirs = ({seed: rows[seed] for seed in seeds} for rows in (found, first))
    differences = {}
    for name in FIGURES:
        here, there = _values(ours, name), _values(theirs, name)
        if here is not None and there is not None:
            differences[name] = over_seeds(here - there).to_json()
    return differences


def _values(found: Found, name: str) -> np.ndarray | None:
    values = [row.get(name) for row in found.values()]
    return None if not values or any(value is None for value in values) else np.array(values, np.float64)
