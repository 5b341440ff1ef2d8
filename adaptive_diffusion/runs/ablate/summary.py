"""The summary of a sweep: each setting over its seeds, its difference to the first setting, and rules compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from adaptive_diffusion.config.grid import Setting
from adaptive_diffusion.evaluation.answers import QueryFigures, ScoredAnswers
from adaptive_diffusion.evaluation.curves import Curves
from adaptive_diffusion.evaluation.intervals import Interval
from adaptive_diffusion.evaluation.resampling import over_queries_and_seeds
from adaptive_diffusion.evaluation.seeds import over_seeds

FIGURES = (
    *("correct", "exact", "valid", "score", "nfe_mean", "nfe_p95", "nfe_max", "steps_mean"),
    *("revisions_mean", "rewrites_mean"),
)
"""Those of a summary row that another machine gives alike; seconds are in the cells."""


@dataclass(frozen=True)
class SamplerResult:
    """What a cell found out about a sampler.

    Attributes:
        row: its summary row.
        queries: figures of each query, from its trace; None without one.
        answers: cost and quality of each answer, from its trace; None without one.
    """

    row: Mapping[str, Any]
    queries: QueryFigures | None = field(default=None, compare=False)
    answers: ScoredAnswers | None = field(default=None, compare=False)


Found = dict[str, SamplerResult]
"""A sampler's result for each seed."""


def summarise(cells: Sequence[tuple[Setting, Sequence[SamplerResult]]]) -> list[dict[str, Any]]:
    """A row for each setting without its seed and each sampler, in the order of the cells.

    Every figure is `{"value", "low", "high"}`: the mean with its 95% interval, over queries and seeds where traces give
    the figure of every query, else Student's t over seeds (null for one seed). Under `over_first` is the same of its
    difference to the sampler's first setting, over the seeds that both have.
    """
    groups = _groups(cells)
    first: dict[str, Found] = {}
    for (_, sampler), found in groups.items():
        first.setdefault(sampler, found)
    return [
        {
            "setting": list(setting),
            "sampler": sampler,
            "family": next(iter(found.values())).row.get("family", sampler),
            "seeds": list(found),
            **_figures(found),
            "over_first": None if found is first[sampler] else _differences(found, first[sampler]),
        }
        for (setting, sampler), found in groups.items()
    ]


def compare_rules(cells: Sequence[tuple[Setting, Sequence[SamplerResult]]]) -> list[dict[str, Any]]:
    """Every rule against every rule with several settings (`evaluation.curves`), over queries and seeds.

    The settings of a sampler are points on the curve of its family. Empty for sweeps of trainings, whose evaluations
    compare the samplers of each training; without traces; and where seeds or queries differ.
    """
    groups = _groups(cells)
    if any(len(results) > 1 for _, results in cells):
        return []
    seeds = list(next(iter(groups.values()), {}))
    answers: list[list[ScoredAnswers]] = [[] for _ in seeds]
    for (setting, _), found in groups.items():
        if list(found) != seeds:
            return []
        label = " ".join(setting)
        for place, result in zip(answers, found.values(), strict=True):
            if result.answers is None or not result.answers.judged:
                return []
            one = result.answers
            place.append(replace(one, name=f"{one.name} {label}".strip()))
    if not answers or len({tuple(np.unique(one.query)) for place in answers for one in place}) != 1:
        return []
    curves = Curves(answers)
    return [
        {"rule": ours, "against": theirs, **curves.compare(ours, theirs).to_json()}
        for theirs in curves.rules
        for ours in curves.families
        if ours != theirs
    ]


def _groups(cells: Sequence[tuple[Setting, Sequence[SamplerResult]]]) -> dict[tuple[Setting, str], Found]:
    groups: dict[tuple[Setting, str], Found] = {}
    for setting, results in cells:
        seed = next((part.removeprefix("seed=") for part in setting if part.startswith("seed=")), "")
        rest = tuple(part for part in setting if not part.startswith(("seed=", "sampler=")))
        for result in results:
            groups.setdefault((rest, result.row["sampler"]), {})[seed] = result
    return groups


def _figures(found: Found) -> dict[str, Any]:
    return {name: over.to_json() for name in FIGURES if (over := _interval(found, None, name)) is not None}


def _differences(found: Found, first: Found) -> dict[str, Any]:
    seeds = [seed for seed in found if seed in first]
    ours, theirs = ({seed: results[seed] for seed in seeds} for results in (found, first))
    return {name: over.to_json() for name in FIGURES if (over := _interval(ours, theirs, name)) is not None}


def _interval(ours: Found, theirs: Found | None, name: str) -> Interval | None:
    """The mean of a figure over queries and seeds, or of its difference; None where a row does not have it."""
    sides = [side for side in (ours, theirs) if side is not None]
    by_query = [_by_query(side, name) for side in sides]
    if all(values is not None and np.shape(values) == np.shape(by_query[0]) for values in by_query):
        return over_queries_and_seeds(by_query[0] - by_query[1] if theirs is not None else by_query[0])
    by_seed = [_by_seed(side, name) for side in sides]
    if any(values is None for values in by_seed):
        return None
    return over_seeds(by_seed[0] - by_seed[1] if theirs is not None else by_seed[0])


def _by_query(found: Found, name: str) -> Any:
    """The figure of every query for every seed, [S, N]; None where traces do not give it, or of other queries."""
    queries = [result.queries for result in found.values()]
    if not queries or any(one is None or name not in one.figures for one in queries):
        return None
    known = [one for one in queries if one is not None]
    if any(not np.array_equal(one.query, known[0].query) for one in known):
        return None
    return np.stack([one.figures[name] for one in known])


def _by_seed(found: Found, name: str) -> Any:
    """The figure of every seed, [S]; None where a row does not have it."""
    values = [result.row.get(name) for result in found.values()]
    return None if not values or any(value is None for value in values) else np.array(values, np.float64)
