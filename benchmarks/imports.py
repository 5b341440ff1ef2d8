"""The cost of importing the sampler, beside `import torch`, which it cannot avoid."""

import os
import subprocess
import sys
from collections.abc import Iterator
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from typing import Any

TORCH = "import torch"
PROGRAMS = {
    "package": "import adaptive_diffusion",
    "sampler": "from adaptive_diffusion.sampling import Sampler",
    "load": "from adaptive_diffusion.runs.trained_model import load_trained_model",
}


def processor_time(program: str) -> float:
    """Seconds of processor time, user and system, of a new interpreter that runs the program."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    """Rows `imports/NAME`; `ratio` is the median over turns of its processor time ÷ that of `import torch`."""
    for name, program in PROGRAMS.items():
        processor_time(program), processor_time(TORCH)  # compiles the modules and reads them into the page cache
        turns = [(processor_time(program), processor_time(TORCH)) for _ in range(3 if quick else 10)]
        yield {
            "name": f"imports/{name}",
            "program": program,
            "ratio": median(ours / torch for ours, torch in turns),
            "seconds": median(ours for ours, _ in turns),
            "seconds_torch": median(torch for _, torch in turns),
            "turns": len(turns),
        }
