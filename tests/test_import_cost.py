"""Importing the sampler and the rules does not import what only training, configs, reports or commands need."""

import subprocess
import sys

import pytest

HEAVY = {"hydra", "jinja2", "lightning", "matplotlib", "numba", "omegaconf", "pandas", "pyarrow", "rich", "scipy"}
HEAVY |= {"torchmetrics", "transformers", "typer"}
PROGRAM = (
    "import sys, importlib; importlib.import_module({module!r}); print(*{{name.split('.')[0] for name in sys.modules}})"
)


@pytest.mark.parametrize(
    "module", ["adaptive_diffusion", "adaptive_diffusion.sampling", "adaptive_diffusion.rules.plans"]
)
def test_heavy_libraries_are_not_imported(module):
    program = [sys.executable, "-c", PROGRAM.format(module=module)]
    imported = subprocess.run(program, capture_output=True, text=True, check=True).stdout.split()
    assert "adaptive_diffusion" in imported
    assert HEAVY & set(imported) == set()
