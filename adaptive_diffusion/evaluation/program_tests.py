"""Whether a program passes its tests, in a process of its own with limits.

The limits stop what runs away: endless loops, memory, files. They are no sandbox against a program that means harm; run
programs of an untrusted model in a container or a virtual machine.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass

RUN = "import sys; exec(compile(sys.stdin.read(), 'answer', 'exec'), {'__name__': 'answer'}); print(sys.argv[1])"


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

    Coming to the end is proved by a random word that is written behind it, so a program that leaves early has failed.
    """
    limits, word = limits or ProgramLimits(), secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", RUN, word],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={},
            start_new_session=True,
            preexec_fn=limits.apply,
        )
        try:
            shown, _ = process.communicate(program.encode("utf-8", "replace"), timeout=limits.seconds + 1)
        except subprocess.TimeoutExpired:
            return False
        finally:
            with contextlib.suppress(ProcessLookupError):  # with all that it started
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return process.returncode == 0 and shown.decode("utf-8", "replace").rstrip().endswith(word)
