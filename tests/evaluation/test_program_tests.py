"""Programs pass where they come to their end, in a process with limits, and by no other way."""

import pytest

from adaptive_diffusion.evaluation.program_tests import ProgramLimits, passes

FAILS = "\nassert False"
"""Behind a program that leaves before it: its tests never run."""

ALL_WRITTEN = """
import os
for file in range(32):
    try:
        os.write(file, open('/proc/self/cmdline', 'rb').read())
    except OSError:
        pass
os._exit(0)
"""
ALL_READ = """
import os
found = b''
for file in range(32):
    try:
        os.set_blocking(file, False)
        found += os.read(file, 64)
    except OSError:
        pass
for file in range(32):
    try:
        os.write(file, found)
    except OSError:
        pass
os._exit(0)
"""


@pytest.mark.parametrize(
    "program",
    [
        "while True: pass",
        "x = [0] * (1 << 30)",
        "open('large', 'w').write('x' * (1 << 21))",
        "import time; time.sleep(60)",
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).wait()",
    ],
    ids=["endless", "memory", "file", "sleep", "child"],
)
def test_program_that_runs_away_fails(program):
    assert not passes(program, ProgramLimits(seconds=1))


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(0)",
        "import os; os._exit(0)",
        "import sys, os; print(*sys.orig_argv, *sys.argv[1:], flush=True); os._exit(0)",
        "import sys, os; print(sys.argv[-1], sys.stdin.read(), flush=True); os._exit(0)",
        "import os; os.execv('/bin/true', ['true'])",
        "import os; os.fork() and os._exit(0); raise SystemExit(0)",
        "import gc, os, sys; print(gc.get_objects(), sys._getframe(1).f_locals, flush=True); os._exit(0)",
        ALL_WRITTEN,
        ALL_READ,
        "import atexit, os; atexit.register(os._exit, 0)",
        "import os\nos.closerange(0, 32)",
    ],
    ids=[
        *("exit", "exit at once", "arguments", "input", "another program", "fork", "memory", "all files written"),
        *("all files read", "exit handler", "closed"),
    ],
)
def test_program_that_leaves_before_its_tests_fails_whatever_it_writes(program):
    assert not passes(program + FAILS, ProgramLimits(seconds=2))


@pytest.mark.parametrize("program", ["", "print('x' * 100_000)", "import sys\nassert sys.stdin.read() == ''", "ü = 1"])
def test_program_that_comes_to_its_end_passes(program):
    assert passes(program)


def test_error_after_the_last_line_fails():
    assert not passes("import atexit, os\natexit.register(os._exit, 3)")


def test_environment_and_folder_of_a_program_are_empty(monkeypatch):
    monkeypatch.setenv("SECRET", "1")
    assert passes("import os\nassert 'SECRET' not in os.environ and os.listdir('.') == []")
