"""The front door does not import what only training, configs, reports or commands need, nor commands that sample what
only training needs."""

import subprocess
import sys

import pytest

HEAVY = {"hydra", "jinja2", "lightning", "matplotlib", "numba", "omegaconf", "pandas", "pyarrow", "rich", "scipy"}
HEAVY |= {"torchmetrics", "transformers", "typer"}
TRAINING = {"lightning", "matplotlib", "pandas", "sympy", "torchmetrics", "transformers"}
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


def test_what_only_training_needs_is_not_imported_to_evaluate(tmp_path):
    program = (
        "from pathlib import Path; from adaptive_diffusion.runs.evaluate import evaluate_file; "
        "from adaptive_diffusion.runs.query_job import QueryJob; "
        "evaluate_file(QueryJob('sudoku-6x6', Path('queries.txt')), ['confidence'])"
    )
    (tmp_path / "queries.txt").write_text("123456456123231564564231312645.45312\n")
    done = subprocess.run(
        [sys.executable, "-c", program + LIST], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert TRAINING & set(done.stdout.split()) == set()
