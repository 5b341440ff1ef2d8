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

SIZES = 1_000, 100_000
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
    """Rows `evaluate/QUERIES`, of 6×6 Sudokus and the model `sudoku-6x6` with one forward for each; `ratio` is the
    peak of memory ÷ that of `import torch`, `share` that of the checkout before."""
    model = ROOT / "adaptive_diffusion/models_to_try/sudoku-6x6/model.safetensors"
    before = os.environ.get("BEFORE")
    puzzles = generate(geometry(6), max(SIZES[:1] if quick else SIZES), "test", 7).puzzles.tolist()
    for count in SIZES[:1] if quick else SIZES:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "puzzles.txt"
            file.write_text("".join("".join(map(str, puzzle)) + "\n" for puzzle in puzzles[:count]))
            request = str(model), "--queries", str(file)
            torch = run(ROOT, TORCH)
            row = {"name": f"evaluate/{count}", "queries": count, "sampler": "fixed pace.steps=1"}
            if before is not None:
                earlier = run(Path(before), EVALUATE, *request)
                row |= {f"{name}_before": value for name, value in earlier.items()}
            row |= run(ROOT, EVALUATE, *request) | {"import_torch_megabytes": torch["peak_megabytes"]}
            row["ratio"] = row["peak_megabytes"] / torch["peak_megabytes"]
            if before is not None:
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
