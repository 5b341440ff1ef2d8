"""The cost of importing the sampler, beside `import torch`, which it cannot avoid."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from typing import Any

TORCH = "import torch"
PROGRAMS = {
    "package": "import adaptive_diffusion",
    "sampler": "import adaptive_diffusion as ad; ad.Sampler",
    "all_names": "import adaptive_diffusion as ad; [getattr(ad, name) for name in ad.__all__]",
}


def seconds(program: str) -> tuple[float, float]:
    """Seconds of a new interpreter that runs the program: by the wall, and of processor time, user and system."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, begin = getrusage(RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    after, end = getrusage(RUSAGE_CHILDREN), time.perf_counter()
    return end - begin, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    """Rows `imports/NAME`; `ratio` is the median over turns of the program's wall time ÷ that of `import torch`, and
    `ratio_processor_time` the same of processor time."""
    for name, program in PROGRAMS.items():
        seconds(program), seconds(TORCH)  # compiles the modules and reads them into the page cache
        turns = [(seconds(program), seconds(TORCH)) for _ in range(3 if quick else 10)]
        yield {
            "name": f"imports/{name}",
            "program": program,
            "ratio": median(ours[0] / torch[0] for ours, torch in turns),
            "ratio_processor_time": median(ours[1] / torch[1] for ours, torch in turns),
            "processor_seconds": median(ours[1] for ours, _ in turns),
            "processor_seconds_torch": median(torch[1] for _, torch in turns),
            "turns": len(turns),
        }
