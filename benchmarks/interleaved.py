"""Two ways of doing the same thing, timed in turns, so that whatever else the machine does slows both alike."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass
class Clock:
    """Seconds of each repetition, by the wall and of this process (which other work on the machine disturbs less)."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def __call__(self, work: Callable[[], Any]) -> Any:
        """Does the work and notes how long it took."""
        wall, processor = time.perf_counter(), time.process_time()
        result = work()
        self.processor.append(time.process_time() - processor)
        self.wall.append(time.perf_counter() - wall)
        return result


def race(ours: Callable[[], Any], theirs: Callable[[], Any], repeats: int) -> tuple[Clock, Clock]:
    """Both in turns, `repeats` times after one turn that warms up."""
    clocks = Clock(), Clock()
    ours(), theirs()
    for _ in range(repeats):
        clocks[0](ours)
        clocks[1](theirs)
    return clocks


def ratio(top: Clock, bottom: Clock) -> dict[str, float]:
    """`ratio` of wall times, top ÷ bottom, and `ratio_processor_time`: medians over the repetitions, each of which set
    one beside the other."""
    pairs = {"ratio": (top.wall, bottom.wall), "ratio_processor_time": (top.processor, bottom.processor)}
    return {name: median(one / other for one, other in zip(*pair, strict=True)) for name, pair in pairs.items()}
