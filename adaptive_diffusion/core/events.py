"""The events of a trace. This module imports no library, so that sampling does not depend on the format of files."""

from enum import IntEnum

OPEN = -1
"""The token id that stands for "open" in the columns `start` and `answer`, for every vocabulary."""


class Event(IntEnum):
    """What happened to one position in one step: open → token, token → open, token → another token."""

    COMMIT = 0
    REMASK = 1
    REPLACE = 2


EVENT_NAMES = tuple(event.name.lower() for event in Event)
