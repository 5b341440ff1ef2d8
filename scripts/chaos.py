"""Disturbs commands and compares what comes of them with runs that nobody disturbed (`make chaos`).

Every command is the real one with a tiny model, forked from a process that has imported everything, so that a cycle
costs seconds. First each is killed with all its workers (SIGKILL) at moments drawn uniformly from its own duration,
looked at for files that cannot be read, started again until it ends, and held against the undisturbed run: weights,
answers, traces, figures and what it printed, bit for bit. Then it is started in situations that are not its own fault
(`chaos_situations.py`): a full disk, a folder that cannot be written, a clock that was set back, …

    python scripts/chaos.py --kills 180 --times 3          # 20 kills of each command, each situation three times
    python scripts/chaos.py --kills 20 --only ablate       # a part; the table in docs/chaos.json keeps the others
    python scripts/chaos.py --kills 0 --times 5 --situation "full disk" --only edit
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from chaos_commands import (
    COMMANDS,
    Command,
    differences,
    ended,
    furnish,
    in_a_child,
    killed,
    prepare,
    results,
    rows,
    start,
    undisturbed,
    unreadable,
)
from chaos_machine import NotPossibleError
from chaos_situations import SITUATIONS, Case
from rich.console import Console
from rich.table import Table

from adaptive_diffusion.plugins import ray_engine as _ray_engine  # noqa: F401 (imported once, for all children)
from adaptive_diffusion.runs import analyze as _analyze  # noqa: F401
from adaptive_diffusion.runs import edit as _edit  # noqa: F401
from adaptive_diffusion.runs import engine, evaluate, sample  # noqa: F401
from adaptive_diffusion.runs.ablate import cells as _cells  # noqa: F401
from adaptive_diffusion.runs.ablate import sweep as _sweep  # noqa: F401
from adaptive_diffusion.runs.stages import Train as _Train  # noqa: F401
from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.importing import convert as _convert  # noqa: F401
from adaptive_diffusion.storage.manifest import environment

RESULT = Path(__file__).parent.parent / "docs" / "chaos.json"
MOST_STARTS = 5


def cycle(command: Command, world: Path, complete: Path, duration: float, draw: random.Random) -> dict[str, Any]:
    """One kill and what followed."""
    place = world / "killed"
    while not killed(start(command.arguments, furnish(world, place)), draw.uniform(0, duration)):
        pass
    corrupt = in_a_child(lambda: unreadable(place))
    starts, status = 0, None
    while status != 0 and starts < MOST_STARTS and not _is_finished(command, place, complete):
        starts, status = starts + 1, ended(start(command.arguments, place))
    if status:
        return {"corrupt": corrupt, "starts": starts, "lost": -1, "different": [f"ended with {status}"]}
    lost, different = in_a_child(lambda: _compared(command, complete, place))
    return {"corrupt": corrupt, "starts": starts, "lost": lost, "different": different}


def _is_finished(command: Command, place: Path, complete: Path) -> bool:
    """Whether a command that refuses a folder that is there was killed after it had written it."""
    return command.arguments[0] == "import" and results(place).is_dir()


def _compared(command: Command, complete: Path, place: Path) -> tuple[int, list[str]]:
    return rows(results(complete)) - rows(results(place)), differences(command, complete, place)


def kills(name: str, world: Path, number: int, seed: int) -> dict[str, Any]:
    """The row of a command that is killed so many times."""
    command, complete = COMMANDS[name], furnish(world, world / f"{name}-complete")
    duration = undisturbed(command, complete)
    draw, cycles = random.Random(f"{seed} {name}"), []
    for count in range(number):
        cycles.append(cycle(command, world, complete, duration, draw))
        print(f"{name} {count + 1}/{number}: {cycles[-1]}", file=sys.stderr, flush=True)
    return {
        "kills": number,
        "starts": sum(one["starts"] for one in cycles),
        "rows_lost": sum(abs(one["lost"]) for one in cycles),
        "corrupt_files": sum(len(one["corrupt"]) for one in cycles),
        "equal_results": sum(not one["different"] for one in cycles),
        "undisturbed_seconds": round(duration, 2),
        "seed": seed,
    }


def situation(title: str, name: str, world: Path, times: int, seed: int) -> dict[str, Any]:
    """The row of a command in a situation: how often, and how often it survived; or why it was skipped."""
    happen, _ = SITUATIONS[title]
    command, complete, duration = COMMANDS.get(name, Command([name], writes=False)), world / f"{name}-complete", 0.0
    if name in COMMANDS:
        duration = undisturbed(command, furnish(world, complete))
    case = Case(name, command, world, complete, duration, random.Random(f"{seed} {title} {name}"))
    survived = 0
    for count in range(times):
        try:
            wrong = happen(case)
        except NotPossibleError as why:
            print(f"{title}, {name}: skipped: {why}", file=sys.stderr, flush=True)
            return {"skipped": str(why)}
        survived += not wrong
        print(f"{title}, {name} {count + 1}/{times}: {wrong or 'survived'}", file=sys.stderr, flush=True)
    return {"times": times, "survived": survived, "seed": seed}


def tables(found: dict[str, Any]) -> list[Table]:
    """The results as tables."""
    killed_ones = Table("command", "kills", "starts again", "rows lost", "corrupt files", "equal results")
    for name, row in found["commands"].items():
        values = (str(row[key]) for key in ("kills", "starts", "rows_lost", "corrupt_files", "equal_results"))
        killed_ones.add_row(name, *values)
    disturbed = Table("situation", "command", "times", "survived")
    for title, by_command in found["situations"].items():
        for name, row in by_command.items():
            values = ("", row["skipped"]) if "skipped" in row else (str(row["times"]), str(row["survived"]))
            disturbed.add_row(title, name, *values)
    return [killed_ones, disturbed]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=180, help="of all commands together")
    parser.add_argument("--times", type=int, default=3, help="each command in each situation")
    parser.add_argument("--only", choices=[*COMMANDS, "play"], action="append", help="a command; may be repeated")
    parser.add_argument("--situation", choices=SITUATIONS, action="append", help="may be repeated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    fork = multiprocessing.get_context("fork")
    engine.get_context = lambda method: fork  # starting a worker costs nothing, and it can be killed like a spawned one
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))  # as of a spawned one
    found = json.loads(options.out.read_text()) if options.out.is_file() else {}
    found = {"commands": {}, "situations": {}} | found
    only = options.only or [*COMMANDS, "play"]
    failed = False

    def store(kind: dict[str, Any], name: str, row: dict[str, Any], order: list[str]) -> None:
        made = in_a_child(environment)
        kind[name] = row | {"commit": (made["source"] or {}).get("commit")}
        for key in [key for key in order if key in kind]:
            kind[key] = kind.pop(key)
        atomic_write_file(options.out, json.dumps(found | made, indent=2) + "\n")

    found["command"] = "make chaos"
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder)
        prepare(world)
        killable = [name for name in COMMANDS if name in only]
        for index, name in enumerate(killable):
            number = options.kills // len(killable) + (index < options.kills % len(killable))
            if number:
                row = kills(name, world, number, options.seed)
                failed |= row["rows_lost"] > 0 or row["corrupt_files"] > 0 or row["equal_results"] < number
                store(found["commands"], name, row, [*COMMANDS])
        for title in options.situation or SITUATIONS:
            for name in [name for name in SITUATIONS[title][1] if name in only and options.times]:
                row = situation(title, name, world, options.times, options.seed)
                failed |= "skipped" not in row and row["survived"] < row["times"]
                found["situations"] = {key: found["situations"].get(key, {}) for key in SITUATIONS}
                store(found["situations"][title], name, row, [*SITUATIONS[title][1]])
    for shown in tables(found):
        Console().print(shown)
    sys.exit(failed)


if __name__ == "__main__":
    main()
