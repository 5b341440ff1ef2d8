"""Whether a program passes its tests, in a process of its own with limits.

The limits stop what runs away: endless loops, memory, files. They are no sandbox against a program that means harm; run
programs of an untrusted model in a container or a virtual machine.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass

ASKS = b"?"
#: The channel is the standard output at first. What the program prints is dropped.
RUN = f"""
import os, sys
def run():
    program, channel = sys.stdin.read(), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    exec(compile(program, "answer", "exec"), {{"__name__": "answer"}})
    os.write(channel, {ASKS!r})
    os.write(channel, os.read(channel, 16))
run()
"""


@dataclass(frozen=True)
class ProgramLimits:
    """What a program may use.

    Attributes:
        seconds: of the processor and of the clock.
        memory: bytes of address space.
        file_size: bytes of a file that it writes.
        files: that it has open.
    """

    seconds: int = 5
    memory: int = 1 << 30
    file_size: int = 1 << 20
    files: int = 32

    def apply(self) -> None:
        """Limits this process and what it starts."""
        import resource

        for name, value in (
            (resource.RLIMIT_CPU, self.seconds),
            (resource.RLIMIT_AS, self.memory),
            (resource.RLIMIT_FSIZE, self.file_size),
            (resource.RLIMIT_NOFILE, self.files),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(name, (value, value))


def passes(program: str, limits: ProgramLimits | None = None) -> bool:
    """Whether a program comes to its end without an error, in an empty folder and environment.

    Its process asks for a random word behind the last line of the program and sends it back, and then it must end with
    status 0. The word does not exist before it is asked for, so that a program that leaves early by any exit, or prints
    and reads whatever it finds, has failed. A program written against this very exchange can still imitate it, since
    it runs in the process that asks.
    """
    limits = limits or ProgramLimits()
    ours, theirs = socket.socketpair()
    with ours, tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as source:
        source.write(program.encode("utf-8", "replace"))
        source.seek(0)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", RUN],
                stdin=source,
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env={},
                start_new_session=True,
                preexec_fn=limits.apply,
            )
        try:
            return _reached_its_end(ours, limits.seconds + 1) and process.wait(limits.seconds + 1) == 0
        except (TimeoutError, ConnectionError, subprocess.TimeoutExpired):
            return False
        finally:
            with contextlib.suppress(ProcessLookupError):  # with all that it started
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _reached_its_end(channel: socket.socket, seconds: float) -> bool:
    """Whether the process at the other end asks for a word and sends it back."""
    channel.settimeout(seconds)
    if channel.recv(1) != ASKS:  # nothing where the process has ended
        return False
    word = secrets.token_bytes(16)
    channel.sendall(word)
    return channel.recv(len(word), socket.MSG_WAITALL) == word
