"""How a user names samplers: a config of `configs/sampler`, with overrides, and a name for tables.

threshold                                     the config as it is
threshold pace.threshold=0.9                  one of the family `threshold`, called threshold_0.9
threshold pace.threshold=0.8,0.9              two of them, called threshold_0.8 and threshold_0.9
careful=threshold pace.threshold=0.99         one of them, called careful
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adaptive_diffusion.config.composition import compose_part
from adaptive_diffusion.config.grid import Setting, combinations
from adaptive_diffusion.config.resolution import resolve
from adaptive_diffusion.config.search import NAME, ConfigSearch

ROLE = "sampler"


@dataclass(frozen=True)
class NamedSampler:
    """A sampler of a table.

    Attributes:
        name: in tables, figures and folders of traces.
        family: the config it comes from, before overrides.
        node: plain values that build it.
    """

    name: str
    family: str
    node: dict[str, Any]

    def as_node(self) -> dict[str, Any]:
        """As it stands in the resolved config of a run, below its name."""
        return {"family": self.family, "sampler": self.node}


Listed = Sequence[str] | Mapping[str, str | Mapping[str, Any]]
"""Samplers as a config lists them: texts as above, or name → text, or name → what `NamedSampler.as_node` gives."""


def named_samplers(listed: Listed, search: ConfigSearch | None = None) -> list[NamedSampler]:
    """The samplers of a list.

    Args:
        listed: texts such as those at the top of this file; or a mapping whose keys are the names.
        search: where configs are looked for.

    Raises:
        ValueError: for a text that is not of this form, an unknown config or key, or two samplers of one name.
    """
    search = search or ConfigSearch.of()
    named: list[NamedSampler] = []
    for one in _each(listed):
        named += [one] if isinstance(one, NamedSampler) else _read(one, search)
    names = [one.name for one in named]
    if double := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ValueError(f"Two samplers are called {double[0]!r}; name one of them: {double[0]}_b=FAMILY KEY=VALUE …")
    return named


def named_sampler(text: str, search: ConfigSearch | None = None) -> NamedSampler:
    """The one sampler of a text.

    Raises:
        ValueError: as :func:`named_samplers`, and for several values.
    """
    found = named_samplers([text], search)
    if len(found) > 1:
        raise ValueError(f"{text!r} names {len(found)} samplers, but one is needed here")
    return found[0]


def _each(listed: Listed) -> Iterator[str | NamedSampler]:
    if isinstance(listed, str):
        raise ValueError(f"Samplers are a list, or a mapping from names: write [{listed!r}]")
    if not isinstance(listed, Mapping):
        yield from listed
        return
    for name, value in listed.items():
        if isinstance(value, str):
            yield f"{name}={value}"
        elif isinstance(value, Mapping) and isinstance(value.get("sampler"), Mapping) and len(value) == 2:
            yield NamedSampler(_checked(str(name)), str(value.get("family")), dict(value["sampler"]))
        else:
            raise ValueError(f"The sampler {name!r} must be text such as 'threshold pace.threshold=0.9', not {value!r}")


def _read(text: Any, search: ConfigSearch) -> Iterator[NamedSampler]:
    try:
        first, *overrides = shlex.split(text)
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{text!r} does not name a sampler: write FAMILY KEY=VALUE …") from error
    name, _, family = first.rpartition("=")
    settings = combinations(overrides)
    varied = {number for number in range(len(overrides)) if len({setting[number] for setting in settings}) > 1}
    if name and varied:
        raise ValueError(f"{text!r} gives one name to {len(settings)} samplers; leave it out or give one value")
    for setting in settings:
        node = resolve(compose_part(ROLE, family, setting, search))
        yield NamedSampler(_checked(name) if name else _label(family, setting, varied), family, node)


def _label(family: str, setting: Setting, varied: set[int]) -> str:
    """The family's name with the values that vary; with all of them where none varies.

    Raises:
        ValueError: a value that cannot stand in a name.
    """
    shown = [override for number, override in enumerate(setting) if not varied or number in varied]
    for override in shown:
        value = override.partition("=")[2]
        if "/" in value or ".." in value or not NAME.fullmatch(f"{family}_{value}"):
            raise ValueError(
                f"The value {value!r} of {override!r} cannot stand in the name of a sampler, which has letters, digits "
                f"and _.+=- only: correct it, or choose a name: NAME={family} {shlex.quote(override)}"
            )
    return _checked("_".join([family, *(override.partition("=")[2] for override in shown)]))


def _checked(name: str) -> str:
    if not NAME.fullmatch(name) or ".." in name or "/" in name:
        raise ValueError(
            f"{name!r} cannot name a sampler in tables and folders; choose a name: NAME=FAMILY KEY=VALUE …"
        )
    return name
