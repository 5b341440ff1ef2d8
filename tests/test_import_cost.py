"""The front door does not import what only training, configs, reports or commands need."""

import subprocess
import sys

import pytest

HEAVY = {"hydra", "jinja2", "lightning", "matplotlib", "numba", "omegaconf", "pandas", "pyarrow", "rich", "scipy"}
HEAVY |= {"torchmetrics", "transformers", "typer"}
LIST = "; import sys; print(*{name.split('.')[0] for name in sys.modules})"


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("import adaptive_diffusion", {"adaptive_diffusion"}),
        (
            "import adaptive_diffusion as ad; [getattr(ad, name) for name in ad.__all__]",
            {"adaptive_diffusion", "torch"},
        ),
        ("import adaptive_diffusion.sampling", {"adaptive_diffusion", "torch"}),
    ],
)
def test_heavy_libraries_are_not_imported(program, expected):
    done = subprocess.run([sys.executable, "-c", program + LIST], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert expected <= imported
    assert HEAVY & imported == set()
