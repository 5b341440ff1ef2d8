"""The samplers that have a name, and the document made of them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, partial
from inspect import signature
from itertools import takewhile
from pathlib import Path
from typing import Any

from adaptive_diffusion.config.composition import compose_part
from adaptive_diffusion.config.instantiation import instantiate
from adaptive_diffusion.config.resolution import leaves, resolve
from adaptive_diffusion.config.search import ConfigSearch
from adaptive_diffusion.config.targets import PACKAGE, inside
from adaptive_diffusion.core.rule import BOTH

ROLES = ("view", "proposal", "order", "pace", "remasking", "plan", "halting", "processors", "block_length", "limits")
RULES = ("proposal", "order", "pace", "remasking", "plan", "halting")


@dataclass(frozen=True)
class Preset:
    """One file of configs/sampler.

    Attributes:
        name: of the file.
        about: the comment lines at its top before "# Differs:": what it is, paper and year.
        differences: from the original implementation, on purpose: the comment lines from "# Differs:" on.
        parts: role → the rule as it would be written in Python, for the roles it sets; the name of its class alone
            where `foreign` holds anything.
        corruption: the kinds of noise that all its rules serve; empty where `foreign` holds anything.
        foreign: modules that its config names and that were not allowed, so that none of its parts was built.
    """

    name: str
    about: str
    differences: str
    parts: Mapping[str, str]
    corruption: tuple[str, ...]
    foreign: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "about": self.about,
            "differences": self.differences,
            "parts": dict(self.parts),
            "corruption": list(self.corruption),
        }


@cache
def presets(search: ConfigSearch, allow: tuple[str, ...] = ()) -> tuple[Preset, ...]:
    """All samplers of configs/sampler, in the order of their names; `allow` names modules whose classes are built."""
    return tuple(_preset(name, search, allow) for name in search.choices("sampler"))


def _preset(name: str, search: ConfigSearch, allow: tuple[str, ...]) -> Preset:
    node = resolve(compose_part("sampler", name, search=search))
    about, differences = _comments(search.file("sampler", name).read_text())
    if foreign := _foreign(node, allow):
        named = node | (node.get("sampler") or {})
        parts = {role: _class_names(named[role]) for role in ROLES if role in named}
        return Preset(name, about, differences, parts, (), foreign)
    recipe = instantiate(node, allow)
    chosen = dict(recipe.keywords)
    if "sampler" in chosen:
        chosen |= chosen.pop("sampler").keywords
    kinds = BOTH
    rules = [chosen[role] for role in RULES if chosen.get(role) is not None]
    for rule in [*rules, *chosen.get("processors", ())]:
        kinds &= rule.corruptions
    parts = {role: written(chosen[role]) for role in ROLES if role in chosen}
    return Preset(name, about, differences, parts, tuple(sorted(kinds)))


def _foreign(node: dict[str, Any], allow: tuple[str, ...]) -> tuple[str, ...]:
    """The modules outside this package that a config names and that are not allowed."""
    targets = {str(value) for key, value in leaves(node) if key.split(".")[-1] == "_target_"}
    modules = {target.rpartition(".")[0] for target in targets if not inside(target, (PACKAGE, *allow))}
    return tuple(sorted(modules))


def _class_names(node: Any) -> str:
    """A part by its config alone, without its values."""
    match node:
        case {"_target_": target}:
            return str(target).rpartition(".")[2]
        case list():
            return "[" + ", ".join(map(_class_names, node)) + "]"
        case _:
            return repr(node)


def _comments(text: str) -> tuple[str, str]:
    """What the comment lines at the top of a file hold before "Differs:", and behind it."""
    comments = [line.lstrip("# ") for line in takewhile(lambda line: line.startswith("#"), text.splitlines())]
    about, _, differences = " ".join(comments).partition("Differs: ")
    return about.strip(), differences


def written(rule: Any) -> str:
    """A rule as Python, with every argument; what is given at run time is left out."""
    if isinstance(rule, partial):
        arguments = ", ".join(f"{name}={written(value)}" for name, value in rule.keywords.items())
        missing = [name for name in signature(rule.func).parameters if name not in rule.keywords]
        return f"{rule.func.__name__}({', '.join(filter(None, [*missing[:1], arguments]))})"
    if isinstance(rule, list | tuple):
        return "[" + ", ".join(map(written, rule)) + "]"
    if is_dataclass(rule) and not isinstance(rule, type):
        values = {item.name: getattr(rule, item.name) for item in fields(rule)}
        arguments = ", ".join(
            f"{name}={written(value)}" for name, value in values.items() if name != "head" or value is not None
        )
        return f"{type(rule).__name__}({arguments})"
    return repr(rule)


def document(results: Path, search: ConfigSearch, allow: tuple[str, ...] = ()) -> str:
    """The text of docs/samplers.md: all presets, and a table for every result file in the folder `results`."""
    lines = [
        "# Samplers",
        "",
        "Written by `adaptive-diffusion samplers --markdown`; do not edit. Each is a file of `configs/sampler`, chosen",
        "by name (`--sampler remdm_conf`). A sampler is one loop and these parts; any order goes with any pace,",
        "remasking and halting. What is not named is `Argmax`, `Confidence`, `FixedCount(1)`, `NoRemasking`,",
        "`AllCommitted`.",
        "",
        "Two controls need data: `HindsightOracle(correct)` of `adaptive_diffusion.rules.controls` stops at the first",
        "right answer and has no file; it runs on where no answer is right, which the hindsight of tables and reports",
        "(`evaluation.halting_metrics`) gives up at once. `RandomHalting(histogram)` takes the histogram of the rule",
        "it is the control of.",
        "",
        "The fourth column names where a sampler differs from the original implementation, on purpose. All else is",
        "compared with decisions of that implementation in `tests/golden`.",
        "",
        "| name | what it is | parts | differs from the original | noise |",
        "|---|---|---|---|---|",
    ]
    for preset in presets(search, allow):
        parts = "<br>".join(f"{role}: `{rule}`" for role, rule in preset.parts.items())
        cells = [f"`{preset.name}`", preset.about, parts, preset.differences, " or ".join(preset.corruption)]
        lines.append(f"| {' | '.join(cells)} |")
    for file in sorted(results.glob("*.json")):
        lines += ["", *_result_table(json.loads(file.read_text()))]
    return "\n".join(lines) + "\n"


def _result_table(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"## Measured: {result['title']}"
    yield ""
    trainings = result.get("trainings", 1)
    several = f" for each of {trainings} trainings (least and largest accuracy in brackets)" if trainings > 1 else ""
    yield f"{result['queries']} queries{several}, seed {result['seed']}, {result['device']}; `{result['command']}`."
    yield ""
    steps = any("steps_mean" in row for row in result["samplers"])  # files of before do not have them
    columns = ["sampler", "correct", "NFE mean", "p95", "max", *["steps"] * steps]
    columns += ["revisions", "error→correct", "correct→error", "seconds"]
    yield f"| {' | '.join(columns)} | |"
    yield "|---" * (len(columns) + 1) + "|"
    for row in result["samplers"]:
        if "refused" in row:
            yield f"| `{row['sampler']}` {'| ' * len(columns)}{row['refused']} |"
            continue
        cells = [
            f"`{row['sampler']}`",
            f"{100 * row['correct']:.2f}%{_range(row)}",
            f"{row['nfe_mean']:.2f}",
            *(f"{row[name]:g}" for name in ("nfe_p95", "nfe_max")),
            *[f"{row['steps_mean']:.2f}" if "steps_mean" in row else ""] * steps,
            f"{row['revisions_mean']:.2f}",
            *(f"{round(row[name], 1):g}" for name in ("error_to_correct", "correct_to_error")),
            f"{row['seconds']:.2f}",
            result.get("remarks", {}).get(row["sampler"], ""),
        ]
        yield "| " + " | ".join(cells) + " |"


def _range(row: Mapping[str, Any]) -> str:
    return f" ({100 * row['correct_low']:.1f}–{100 * row['correct_high']:.1f})" if "correct_low" in row else ""
