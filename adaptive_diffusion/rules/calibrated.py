"""Which parameter of a sampler is chosen by calibration."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from adaptive_diffusion.core.parameters import Parameters
from adaptive_diffusion.core.rule import Rule
from adaptive_diffusion.rules.halting import AllCommitted


@dataclass(frozen=True)
class CalibratedParameter(Parameters):
    """The parameter of a sampler that decides how early it stops, for `--risk` and `--expected-risk`.

    A sampler's config declares it, a user's own rule included:

        calibrated:
          _target_: adaptive_diffusion.rules.calibrated.CalibratedParameter
          role: halting
          name: most  # halting.most of the rule
          settings: [0.001, 0.01, 0.1, 1]

    Attributes:
        role: of the rule in the sampler, such as "halting" or "pace".
        name: the field of that rule.
        settings: values to try, from the one that stops latest to the one that stops earliest.
        full_budget: the rule in this role at the full budget, against whose answers losses are measured; None leaves
            the rule of the sampler. Nothing halts early at the full budget.

    Raises:
        ValueError: no settings.
    """

    role: str
    name: str
    settings: tuple[float, ...]
    full_budget: Rule | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", tuple(self.settings))
        if not self.settings:
            raise ValueError(
                f"{self.role}.{self.name} has no settings to try; list some, from the one that stops latest to the one "
                "that stops earliest"
            )

    def changes(self, rules: Mapping[str, Any], setting: float | None) -> dict[str, Rule]:
        """The rules by role that differ at a setting; None is the full budget.

        Args:
            rules: those of the sampler, by role.
            setting: the value of the parameter.

        Raises:
            ValueError: a role without a rule, or a rule without that field.
        """
        rule = rules.get(self.role)
        if rule is None:
            raise ValueError(
                f"the sampler has no rule in the role {self.role!r} whose {self.name!r} could be calibrated"
            )
        if setting is None:
            changed = {} if self.full_budget is None else {self.role: self.full_budget}
            return {**changed, "halting": AllCommitted()}
        if self.name not in {item.name for item in fields(rule)}:
            raise ValueError(f"{type(rule).__name__} has no field {self.name!r} to calibrate")
        return {self.role: replace(rule, **{self.name: setting})}
