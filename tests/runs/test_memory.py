"""Freed memory is kept for the next step."""

import subprocess
import sys

import pytest

FAULTS = """
import resource
from adaptive_diffusion.runs.memory import keep_freed_memory
kept = {keep} and keep_freed_memory()
import torch
torch.set_num_threads(1)
x, wide = torch.ones(2304, 80), torch.ones(80, 224)
def layers():
    for _ in range(20):
        hidden = x @ wide
        out = (torch.nn.functional.silu(hidden) * hidden) @ wide.T
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(int(kept), -layers() + layers())
"""


def faults(keep: bool) -> tuple[bool, int]:
    """Whether memory is kept, and the page faults of twenty feed-forward layers."""
    told = subprocess.run([sys.executable, "-c", FAULTS.format(keep=keep)], capture_output=True, text=True, check=True)
    kept, count = told.stdout.split()
    return kept == "1", int(count)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="page faults as glibc makes them")
def test_memory_that_is_kept_is_not_paid_for_again():
    kept, count = faults(keep=True)
    if not kept:
        pytest.skip("this C library has no mallopt")
    assert count < faults(keep=False)[1] / 4
