"""What a user of the playground may ask for, and how many users there may be."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic


@dataclass(frozen=True)
class Limits:
    """Bounds of the playground; what passes one is refused with a sentence.

    Attributes:
        characters: of a query that is typed.
        positions: of a sequence.
        steps: of one answer.
        seconds: of computing for one press of a button; pauses between steps do not count.
        variations: answers to a query, side by side.
        users: browser windows at the same time.
        idle_seconds: after which a window that does nothing no longer counts.

    Raises:
        ValueError: a bound that is not above 0.
    """

    characters: int = 20_000
    positions: int = 1024
    steps: int = 512
    seconds: float = 60.0
    variations: int = 4
    users: int = 4
    idle_seconds: float = 300.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"the limit {name}={value} must be above 0")


@dataclass
class Visitors:
    """The browser windows that did something lately."""

    limits: Limits
    clock: Callable[[], float] = monotonic
    seen: dict[str, float] = field(default_factory=dict)

    def admit(self, window: str) -> None:
        """Notes that a window does something.

        Raises:
            ValueError: a new window, while as many as there may be are in use.
        """
        now = self.clock()
        self.seen = {name: at for name, at in self.seen.items() if now - at < self.limits.idle_seconds}
        if window not in self.seen and len(self.seen) >= self.limits.users:
            raise ValueError(
                f"{self.limits.users} people use this playground at the moment, which is all that it serves; "
                "try again in a few minutes, or start one of your own"
            )
        self.seen[window] = now

    def leave(self, window: str) -> None:
        """A window was closed."""
        self.seen.pop(window, None)
