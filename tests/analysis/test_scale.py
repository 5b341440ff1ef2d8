"""A hundred thousand traced queries are analysed within two gibibytes; the benchmark `report` measures the time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from synthetic_traces import simulate_many

from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.evaluation.replay import Replay

PROGRAM = """
import resource, sys
from adaptive_diffusion.cli import main
try:
    main()
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print("used", used.ru_maxrss / 2**20, file=sys.stderr)
"""


def test_the_simulated_traces_are_consistent(tmp_path: Path):
    simulate_many(tmp_path, 200)
    trace = read_trace(tmp_path)
    replay = Replay.of(trace)
    assert (replay.end == replay.answer).all()
    assert ((replay.end == replay.target).all(1) == trace.rows["correct"].to_numpy()).all()


@pytest.mark.slow
def test_a_hundred_thousand_queries_are_analysed_within_two_gibibytes(tmp_path: Path):
    for seed, name in enumerate(("threshold_0.9", "learned")):
        simulate_many(tmp_path / "run" / "traces" / name, 50_000, seed=seed)
    command = [sys.executable, "-c", PROGRAM, "analyze", str(tmp_path / "run"), "--by", "clues"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    described = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stderr
    assert float(described.split("used")[1]) < 2
