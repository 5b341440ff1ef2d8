"""Situations in which commands are started: each gives the ways in which a command did not survive it."""

import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from chaos_commands import (
    COMMANDS,
    DISK,
    EVALUATE,
    MODEL,
    Command,
    differences,
    ended,
    furnish,
    in_a_child,
    killed,
    results,
    start,
    undisturbed,
    unreadable,
)
from chaos_machine import NotPossibleError, answers, command_line, descendants, disk, free_port, mount

PAGE = 4096
PATIENCE = 600
"""Seconds to wait for a process that should do something soon."""


@dataclass(frozen=True)
class Case:
    """A command in a situation.

    Attributes:
        name, command: of `COMMANDS`.
        world: the folder with the files that commands read.
        complete: the place where the command ran undisturbed.
        duration: the seconds that took.
        draw: random moments.
    """

    name: str
    command: Command
    world: Path
    complete: Path
    duration: float
    draw: random.Random

    def place(self) -> Path:
        """A new place for the command."""
        return furnish(self.world, self.world / f"{self.name}-disturbed")

    def start(self, place: Path, name: str = "") -> int:
        """The process of the command."""
        return start(self.command.arguments, place, name)

    def kill(self, place: Path) -> None:
        """Starts the command and kills it at a random moment, or lets it end where it is too quick."""
        killed(self.start(place), self.draw.uniform(0, self.duration))

    def goes_on(self, place: Path) -> list[str]:
        """What is wrong after the command was started again."""
        if status := ended(self.start(place)):
            return [f"started again it ended with {status}: {_last_line(place)}"]
        return in_a_child(lambda: differences(self.command, self.complete, place))


def full_disk(case: Case) -> list[str]:
    """The disk is full at some moment; later there is room."""
    place = case.place()
    files = [path for path in results(case.complete).rglob("*") if path.is_file()]
    pages = sum(-(-path.stat().st_size // PAGE) for path in files)
    with disk(place, f"size={max(1, int(case.draw.uniform(0.1, 0.9) * pages)) * PAGE}"):
        wrong = _is_refused(ended(case.start(place)), place, "No space left on device|cannot be written")
        wrong += in_a_child(lambda: unreadable(place))
        mount("-o", "remount,size=1g", str(place / DISK))
        return wrong + case.goes_on(place)


def read_only_folder(case: Case) -> list[str]:
    """The command is killed, then its folder cannot be written, later it can."""
    place = case.place()
    with disk(place, "size=1g"):
        case.kill(place)
        mount("-o", "remount,ro", str(place / DISK))
        wrong = _is_refused(ended(case.start(place)), place, "Read-only file system|is there already")
        mount("-o", "remount,rw", str(place / DISK))
        if (finished := results(place)).is_dir() and case.name == "import":
            shutil.rmtree(finished)
        return wrong + case.goes_on(place)


def clock_set_back(case: Case) -> list[str]:
    """The command is killed, then the clock is set back: all files and stamps are of the future."""
    place = case.place()
    case.kill(place)
    future = time.time() + 365 * 24 * 3600
    for path in [place, *place.rglob("*")]:
        if path.suffix == ".json":
            path.write_text(re.sub(r'"20\d\d-(\d\d-\d\dT)', r'"2099-\1', path.read_text()))
        os.utime(path, (future, future))
    return case.goes_on(place) if case.name != "import" or not results(place).exists() else []


def two_at_once(case: Case) -> list[str]:
    """Two processes in one folder: one of them is refused, or both write the same."""
    place = case.place()
    first = case.start(place)
    if case.command.locks:
        _wait_for(lambda: (results(place) / ".lock").is_file(), first)
        os.killpg(first, signal.SIGSTOP)  # so that it holds its folder until the second has tried
    second = case.start(place, "second-")
    if case.command.locks:
        second_status = ended(second)
        os.killpg(first, signal.SIGCONT)
        statuses = second_status, ended(first)
    else:
        statuses = ended(second), ended(first)
    if case.command.locks:
        wrong = _is_refused(statuses[0], place, "is in use by process", "second-")
        wrong += [f"the first ended with {statuses[1]}"] if statuses[1] else []
    else:
        wrong = [] if 0 in statuses else [f"both ended: {statuses}"]
        wrong += [] if "Traceback" not in (place / "second-err").read_text() else ["a traceback"]
    return wrong + in_a_child(lambda: differences(case.command, case.complete, place))


def changed_source(case: Case) -> list[str]:
    """The command is killed, then what it works on is another: answers of both are never mixed, and a changed config is
    refused until the first is there again."""
    place = case.place()
    if not case.command.reads_model:
        killed(case.start(place), case.draw.uniform(0.5, 1) * case.duration)
        changed = [word.replace("test_puzzles=100", "test_puzzles=90") for word in case.command.arguments]
        status = ended(start(changed, place))
        made = (results(place) / "config.yaml").is_file()
        return (_is_refused(status, place, "was made with another config") if made else []) + case.goes_on(place)
    complete = case.world / f"{case.name}-complete-other"
    if not complete.exists():
        shutil.copy(case.world / "other.safetensors", furnish(case.world, complete) / "model.safetensors")
        undisturbed(case.command, complete)
    case.kill(place)
    shutil.copy(case.world / "other.safetensors", place / "model.safetensors")
    if status := ended(case.start(place)):
        return [f"with another model it ended with {status}: {_last_line(place)}"]
    return in_a_child(lambda: differences(case.command, complete, place, more=True))


def worker_killed(case: Case) -> list[str]:
    """One of two processes that answer queries is killed."""
    return _one_worker_killed(case, ("--workers", "2"), "", "a worker process died")


def ray_worker_killed(case: Case) -> list[str]:
    """One of two workers of Ray is killed."""
    if find_spec("ray") is None:
        raise NotPossibleError("Ray is not installed (the extra ray)")
    return _one_worker_killed(case, ("--engine", "ray", "--workers", "2"), "ray::_Worker", "a worker of Ray died")


def served_again(case: Case) -> list[str]:
    """A served page is killed and started again on the same port."""
    if find_spec("gradio") is None:
        raise NotPossibleError("Gradio is not installed (the extra play)")
    place, port = case.place(), free_port()
    arguments = ["play", MODEL, "--port", str(port)]
    first = start(arguments, place)
    wrong = [] if _wait_for(lambda: answers(port), first) else [f"no page: {_last_line(place)}"]
    time.sleep(case.draw.uniform(0, 1))
    os.killpg(first, signal.SIGKILL)
    ended(first)
    second = start(arguments, place)
    wrong += [] if _wait_for(lambda: answers(port), second) else [f"no page after a kill: {_last_line(place)}"]
    os.killpg(second, signal.SIGTERM)
    status = ended(second)
    return wrong + ([] if status in (0, 143) else [f"stopped, it ended with {status}"])


SITUATIONS: dict[str, tuple[Callable[[Case], list[str]], Sequence[str]]] = {
    "full disk": (full_disk, [name for name, one in COMMANDS.items() if one.writes]),
    "read-only folder": (read_only_folder, [name for name, one in COMMANDS.items() if one.writes]),
    "clock set back": (clock_set_back, [name for name, one in COMMANDS.items() if one.writes]),
    "two at once": (two_at_once, [name for name, one in COMMANDS.items() if one.writes]),
    "changed source": (changed_source, [name for name, one in COMMANDS.items() if one.resumes]),
    "worker killed": (worker_killed, ["evaluate"]),
    "Ray worker killed": (ray_worker_killed, ["evaluate"]),
    "page served again": (served_again, ["play"]),
}
"""Each situation and the commands that are started in it."""


def _one_worker_killed(case: Case, options: Sequence[str], title: str, sentence: str) -> list[str]:
    command = replace(case.command, arguments=[*EVALUATE, *options])
    complete = case.world / f"{case.name}-complete{'-'.join(options)}"
    if not complete.exists():
        undisturbed(command, furnish(case.world, complete))
    case = replace(case, command=command, complete=complete)
    place = case.place()
    child, found = case.start(place), []

    def workers() -> list[int]:
        found[:] = [process for process in descendants(child) if title in command_line(process)]
        return found

    _wait_for(lambda: bool(workers()) or _has_ended(child))
    time.sleep(case.draw.uniform(0, 0.5))
    for process in workers()[:1]:
        os.kill(process, signal.SIGKILL)
    status = ended(child)
    wrong = [] if status == 0 else _is_refused(status, place, sentence)
    return wrong + in_a_child(lambda: unreadable(place)) + case.goes_on(place)


def _is_refused(status: int, place: Path, sentence: str, name: str = "") -> list[str]:
    """What is wrong unless a command ended with a status of its own and this sentence."""
    text = (place / f"{name}err").read_text()
    wrong = [] if status in (1, 2) else [f"it ended with {status}"]
    wrong += ["a traceback"] if "Traceback" in text else []
    return wrong + ([] if re.search(sentence, text) else [f"no sentence, but {_last_line(place, name)!r}"])


def _last_line(place: Path, name: str = "") -> str:
    return ((place / f"{name}err").read_text().strip().splitlines() or [""])[-1]


def _wait_for(condition: Callable[[], bool], child: int | None = None) -> bool:
    """Whether the condition held before the patience, or the child, ended."""
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until or (child is not None and _has_ended(child)):
            return False
        time.sleep(0.01)
    return True


def _has_ended(child: int) -> bool:
    """Whether a child has ended; it can still be waited for."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
