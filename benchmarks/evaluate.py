"""Time and peak memory of `adaptive-diffusion evaluate` on many queries, beside those of `import torch` alone.

`BEFORE=FOLDER python -m benchmarks evaluate` measures another checkout too, in turns.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adaptive_diffusion.tasks.sudoku.generator import generate
from adaptive_diffusion.tasks.sudoku.geometry import geometry

WARM_UP, QUERIES = 1_000, 100_000
ROOT = Path(__file__).parents[1]
TORCH = "import torch"
EVALUATE = """
import sys
from adaptive_diffusion.cli import main
sys.argv = ["adaptive-diffusion", "evaluate", *sys.argv[1:], "--sampler", "fixed pace.steps=1", "--json"]
main()
"""
PEAK = """
import atexit, sys
def peak():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    print("peak", status["VmHWM"].split()[0], file=sys.stderr)
atexit.register(peak)
"""


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    """The row `evaluate/QUERIES`, of 6×6 Sudokus and the model `sudoku-6x6` with one forward for each; `ratio` is the
    peak of memory ÷ that of `import torch`, `share` ÷ that of the checkout before. A run with fewer queries comes
    first, in which numba compiles what it then finds in its cache."""
    model = ROOT / "adaptive_diffusion/models_to_try/sudoku-6x6/model.safetensors"
    checkouts = {"": ROOT} | ({"_before": Path(before)} if (before := os.environ.get("BEFORE")) else {})
    count = 10 * WARM_UP if quick else QUERIES
    puzzles = ["".join(map(str, puzzle)) + "\n" for puzzle in generate(geometry(6), count, "test", 7).puzzles.tolist()]
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder) / "few.txt", Path(folder) / "many.txt"
        few.write_text("".join(puzzles[:WARM_UP]))
        many.write_text("".join(puzzles))
        for checkout in checkouts.values():
            run(checkout, EVALUATE, str(model), "--queries", str(few))
        row: dict[str, Any] = {"name": f"evaluate/{count}", "queries": count, "sampler": "fixed pace.steps=1"}
        for suffix, checkout in reversed(checkouts.items()):
            found = run(checkout, EVALUATE, str(model), "--queries", str(many))
            row |= {name + suffix: value for name, value in found.items()}
        row["import_torch_megabytes"] = run(ROOT, TORCH)["peak_megabytes"]
        row["ratio"] = row["peak_megabytes"] / row["import_torch_megabytes"]
        if "peak_megabytes_before" in row:
            row["share"] = row["peak_megabytes"] / row["peak_megabytes_before"]
        yield row


def run(checkout: Path, program: str, *arguments: str) -> dict[str, float]:
    """Seconds and the peak of memory of a new interpreter with one thread. The process reports its peak itself, because
    the one that `wait4` gives begins at the peak of its parent."""
    environment = {**os.environ, "PYTHONPATH": str(checkout.resolve()), "OMP_NUM_THREADS": "1"}
    begin = time.perf_counter()
    command = [sys.executable, "-c", PEAK + program, *arguments]
    done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True, cwd=checkout)
    seconds = time.perf_counter() - begin
    (peak,) = (int(line.split()[1]) for line in done.stderr.splitlines() if line.startswith("peak "))
    return {"seconds": seconds, "peak_megabytes": peak / 1024}
