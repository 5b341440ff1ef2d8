"""Numbers of the text: what `\\result{SOURCE}{PATH}{FORMAT}` asks for, looked up in the result files."""

import json
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
SECTIONS = ROOT / "paper" / "sections"
SOURCES = {
    "quickstart": "docs/quickstart/summary.json",
    "latency": "experiments/latency_against_throughput/results/summary.json",
    "steps": "experiments/text_adaptive_steps/results/summary.json",
    "blocks": "experiments/text_adaptive_steps/results/blocks.json",
    "slots": "benchmarks/results/slots.json",
    "english": "experiments/english/results/summary.json",
    "molecules": "experiments/molecules/results/summary.json",
    "short": "experiments/molecules/results/short_training/summary.json",
    "four": "experiments/molecules/results/blocks_4/samplers.json",
    "fourspans": "experiments/molecules/results/blocks_4/infilling.json",
    "moses": "experiments/molecules/results/moses/samplers.json",
    "goal": "experiments/molecules/results/moses_pairs/goal.json",
    "mosesspans": "experiments/molecules/results/moses/infilling.json",
    "pays": "experiments/when_learning_to_stop_pays/results/summary.json",
    "catalogue": "experiments/sampler_catalogue/results/sudoku_6x6.json",
    "correction": "experiments/self_correction_at_equal_compute/results/summary.json",
    "thresholds": "experiments/adaptive_beats_thresholds/results/summary.json",
}
"""The result files, by the name the text calls them."""

USE = re.compile(r"\\result\{([^}]*)\}\{([^}]*)\}\{([^}]*)\}")


class Use(NamedTuple):
    """A number that the text asks for."""

    source: str
    path: str
    format: str


def uses(sections: Iterable[Path] | None = None) -> list[Use]:
    """Every number the sections ask for, once, in the order of the text."""
    files = sorted(SECTIONS.glob("*.tex")) if sections is None else sections
    return list(dict.fromkeys(Use(*found) for file in files for found in USE.findall(file.read_text())))


@cache
def results(source: str) -> Any:
    """A result file. Raises `ValueError` for a name that is none, or a file that is not there."""
    if source not in SOURCES:
        raise ValueError(f"{source!r} is no result file; the files of paper/numbers.py are {', '.join(SOURCES)}")
    file = ROOT / SOURCES[source]
    if not file.is_file():
        raise ValueError(
            f"{SOURCES[source]} is missing: run what writes it, or leave its section out of paper/main.tex"
        )
    return json.loads(file.read_text(encoding="utf-8"))


def look_up(source: str, path: str) -> Any:
    """The value at `a:b:c`: keys of mappings, and in lists of rows the row of that `sampler`, `name` or `model`.

    `(a:b)` stands for the name that is found at `a:b`, and `*` for every row of a list.
    """
    inner = re.search(r"\(([^()]*)\)", path)
    if inner:
        return look_up(source, path.replace(inner[0], str(look_up(source, inner[1]))))
    return _follow(results(source), path.split(":"), f"{SOURCES[source]} at {path}")


def _follow(value: Any, keys: list[str], where: str) -> Any:
    for number, key in enumerate(keys):
        if key == "*":
            return [_follow(row, keys[number + 1 :], where) for row in value]
        if isinstance(value, list):
            value = {row.get("sampler", row.get("name", row.get("model"))): row for row in value}
        if not isinstance(value, dict) or key not in value:
            raise ValueError(f"{where}: there is no {key!r}")
        value = value[key]
    return value


def _signed(value: float, decimals: int) -> str:
    return f"${value:.{decimals}f}$" if value < 0 else f"{value:.{decimals}f}"


def _interval(found: dict[str, float], scale: float = 1) -> str:
    middle, low, high = (_signed(scale * found[end], 2) for end in ("value", "low", "high"))
    return rf"{middle} ($95\%$ interval {low} to {high})"


def _side(found: dict[str, float]) -> str:
    return "above" if found["low"] > 0 else "below" if found["high"] < 0 else "not told apart from"


FORMATS: dict[str, Callable[[Any], str]] = {
    "percent": lambda share: rf"{100 * share:.1f}\%",
    "count": lambda number: f"{number:,.0f}",
    "one": lambda number: _signed(number, 1),
    "two": lambda number: _signed(number, 2),
    "three": lambda number: _signed(number, 3),
    "interval": _interval,
    "point": lambda share: _signed(100 * share, 1),
    "hundredths": lambda share: _signed(100 * share, 2),
    "points": lambda found: _interval(found, 100),
    "side": _side,
    "name": lambda name: str(name).replace("_", r"\_"),
    "lowest": lambda numbers: _signed(min(numbers), 2),
    "spread": lambda row: f"{row['nfe_max'] / row['nfe_mean']:.1f}",
}


def shown(use: Use) -> str:
    """A number as the text shows it. Raises `ValueError` for what the result file does not hold."""
    if use.format not in FORMATS:
        raise ValueError(f"there is no format {use.format!r}; they are {', '.join(FORMATS)}")
    value = look_up(use.source, use.path)
    if value is None:
        raise ValueError(f"{SOURCES[use.source]} at {use.path} is null: the text must say so in words")
    return FORMATS[use.format](value)


def numbers() -> str:
    """`generated/numbers.tex`."""
    lines = [rf"\defresult{{{use.source}}}{{{use.path}}}{{{use.format}}}{{{shown(use)}}}" for use in uses()]
    return "\n".join(["% Written by python -m paper from the result files; do not edit.", *lines]) + "\n"
