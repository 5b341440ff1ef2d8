"""How a command ends when it does not end well: one sentence, and an exit status that means something."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

REFUSED, FAILED, INTERRUPTED, TERMINATED = 2, 1, 130, 143


class Terminated(KeyboardInterrupt):
    """SIGTERM, so that it is cleaned up after like Ctrl-C."""


class Guarded(TyperGroup):
    """The group of commands. It turns what a user can mend into a sentence, and leaves defects their traceback.

    Exit statuses: 2 for a request that is refused (``ValueError``, and what the parser refuses), 1 for a machine that
    does not go along (a full disk, a missing permission, an extra not installed), 130 for Ctrl-C, 143 for SIGTERM.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Allows ``--debug`` anywhere, also behind the command."""
        rest = [argument for argument in args if argument != "--debug"]
        return super().parse_args(ctx, ["--debug"] * (len(rest) < len(args)) + rest)

    def invoke(self, ctx: Any) -> Any:
        if ctx.params.get("debug"):
            return super().invoke(ctx)
        try:
            with _sigterm_interrupts():
                return super().invoke(ctx)
        except ValueError as error:
            _end(str(error), REFUSED)
        except BrokenPipeError:
            raise  # the reader of a pipe has gone; the parser's own business
        except (FileExistsError, NotADirectoryError) as error:
            _end(f"{error.filename}: a file stands where a folder is needed; choose another path, or move it", FAILED)
        except OSError as error:
            _end(f"{error.strerror or error}: {error.filename}" if error.filename else str(error), FAILED)
        except ModuleNotFoundError as error:
            _end(str(error), FAILED)
        except KeyboardInterrupt as stop:
            _end_interrupted(stop, stop)
        except SystemExit as stop:
            # Lightning turns Ctrl-C into an exit of its own.
            if isinstance(stop.__context__, KeyboardInterrupt):
                _end_interrupted(stop.__context__, stop)
            raise


def _end(sentence: str, status: int) -> NoReturn:
    typer.secho(f"Error: {sentence}", fg="red", err=True)
    raise typer.Exit(status)


def _end_interrupted(stop: KeyboardInterrupt, last: BaseException) -> NoReturn:
    """The notes of the `last` error tell whether anything is stored: a run folder leaves one."""
    notes = vars(last).get("__notes__", [])[-1:]
    typer.secho(" ".join(["\nInterrupted.", *notes]), fg="yellow", err=True)
    raise typer.Exit(TERMINATED if isinstance(stop, Terminated) else INTERRUPTED)


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    def terminate(number: int, frame: FrameType | None) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
