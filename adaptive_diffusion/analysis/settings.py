"""Names of a sweep's settings."""

from collections.abc import Sequence


def setting_names(settings: Sequence[Sequence[str]]) -> list[str]:
    """What to call the settings of a sweep: their overrides without those that all of them have."""
    shared = set.intersection(*(set(setting) for setting in settings)) if len(settings) > 1 else set()
    return [" ".join(part for part in setting if part not in shared) or "no change" for setting in settings]
