"""Tables of rules compared along their curves of accuracy against cost."""

from collections.abc import Sequence
from dataclasses import replace

from adaptive_diffusion.analysis.metrics import SamplerMetrics
from adaptive_diffusion.analysis.table import Column, Table
from adaptive_diffusion.evaluation.answers import ScoredAnswers
from adaptive_diffusion.evaluation.curves import ENOUGH, Curves


def curves_of(measures: Sequence[SamplerMetrics]) -> Curves | None:
    """The curves of all samplers whose answers are judged; None where there is nothing to compare, or where
    they answered different queries.

    Runs with the same samplers and the same queries are taken as seeds of one comparison; other runs keep their name
    before the families, as rules of their own.
    """
    runs: dict[str, list[ScoredAnswers]] = {}
    for sampler in measures:
        if sampler.quality is not None:
            runs.setdefault(sampler.label.run, []).append(sampler.answers)
    if len({sampler.queries for sampler in measures if sampler.quality is not None}) != 1:
        return None
    bare = [[replace(one, name=one.name.removeprefix(f"{run}/")) for one in found] for run, found in runs.items()]
    if len({tuple(one.name for one in found) for found in bare}) == 1:
        return Curves(bare)
    named = [replace(one, family=f"{run}/{one.family}") for run, found in runs.items() for one in found]
    return Curves([named])


def curve_tables(measures: Sequence[SamplerMetrics], quality: str) -> list[Table]:
    """The rules with several settings along their curves, and every rule against each of them; empty without any."""
    curves = curves_of(measures)
    if curves is None or not curves.rules or len(curves.families) < 2:
        return []
    return [_areas(curves, quality), _comparisons(curves, quality)]


def _areas(curves: Curves, quality: str) -> Table:
    costs = curves.shared_costs(curves.rules)
    cells = []
    for family in curves.rules:
        spent, reached = curves.points(family)
        cells.append([family, len(spent), spent[0], spent[-1], reached.max(), curves.area(family, costs)])
    columns = [
        Column("rule"),
        Column("settings", 0),
        Column("NFE from"),
        Column("NFE to"),
        Column(f"best {quality} %", 1, 100),
        Column(f"mean {quality} %", 1, 100),
    ]
    note = (
        f"Mean {quality}: the area under the curve between {costs[0]:.2f} and {costs[1]:.2f} NFE, which all of these "
        "rules reach, each doubling of the NFE counting the same. A curve is what mixing its settings gives."
        + _over(curves)
    )
    if any(row[1] < ENOUGH for row in cells):
        note += f" A curve is well known from {ENOUGH} settings on."
    return Table("Accuracy-cost curves", columns, cells, note)


def _comparisons(curves: Curves, quality: str) -> Table:
    cells = []
    for theirs in curves.rules:
        for ours in (family for family in curves.families if family != theirs):
            found = curves.compare(ours, theirs)
            costs = f"{found.costs[0]:.2f} to {found.costs[1]:.2f}" if found.costs[1] > found.costs[0] else None
            cells.append([ours, theirs, found.gain, costs or f"{found.costs[0]:.2f}", found.cost_ratio, found.quality])
    columns = [
        Column("rule"),
        Column("compared with"),
        Column(f"{quality}, points gained", 1, 100),
        Column("at equal NFE of"),
        Column("NFE ratio"),
        Column(f"at equal {quality} %", 1, 100),
    ]
    note = (
        "Points gained: at equal NFE, the mean over the NFE that both reach. NFE ratio: at the best "
        f"{quality} that both reach; below 1 the rule is cheaper. Paired by query." + _over(curves)
    )
    return Table("Rules compared at equal cost and at equal accuracy", columns, cells, note)


def _over(curves: Curves) -> str:
    return f" Over {curves.seeds} runs as seeds." if curves.seeds > 1 else ""
