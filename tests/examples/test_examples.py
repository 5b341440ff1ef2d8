"""Every script of `examples`, and the example of the README, runs as it stands, with few training steps."""

import re
import runpy
import sys
from pathlib import Path

import pytest
import torch

from adaptive_diffusion.config import compose_part, instantiate, resolve
from adaptive_diffusion.storage.checkpoint import save_checkpoint

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
README = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
PUZZLES = "023456406123214065365204531042642501\n123056450123214365305214531642640531\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, a file of puzzles and some texts, as the examples expect them."""
    place = tmp_path_factory.mktemp("work")
    config = resolve(compose_part("model", "sudoku_6x6", ["denoiser.width=16", "denoiser.depth=1"]))
    task = {"_target_": "adaptive_diffusion.tasks.sudoku.SudokuDataModule", "size": 6}
    torch.manual_seed(0)
    save_checkpoint(
        place / "runs/quickstart/checkpoints/halting.safetensors", instantiate(config), config, {"task": task}
    )
    (place / "puzzles.txt").write_text(PUZZLES)
    (place / "texts").mkdir()
    for number in range(100):
        (place / f"texts/{number}.txt").write_text(f"The quick brown fox jumps over {number} lazy dogs.\n" * 3)
    return place


def run(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setattr(sys, "argv", [script, *arguments])
    runpy.run_path(str(EXAMPLES / script), run_name="__main__")


RUNS = {
    "sample.py": ((), "step 1: "),
    "own_halting_rule.py": ((), "the least confident open position has "),
    "own_learned_rule.py": (("runs/quickstart", "2"), "wrong tokens are expected; it stops at 0.05"),
    "own_task.py": (("2",), "threshold 0.99: "),
    "own_denoiser.py": (("2",), "threshold 0.99: "),
    "plain_training.py": (("2",), "threshold 0.99: "),
    "own_text.py": (("texts", "2"), "seed 2: b'The quick brown fox"),
    "prompts.py": (("2",), "carry 1: "),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("script", sorted(RUNS))
def test_example_runs(script, folder, monkeypatch, capsys):
    arguments, expected = RUNS[script]
    run(script, folder, monkeypatch, *arguments)
    assert expected in capsys.readouterr().out


def test_examples_are_few_and_short_and_all_of_them_are_run():
    lengths = {file.name: len(file.read_text().splitlines()) for file in EXAMPLES.glob("*.py")}
    assert lengths.keys() == RUNS.keys()
    assert len(lengths) <= 8
    assert max(lengths.values()) <= 60


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_examples_of_the_readme_run(folder, monkeypatch, capsys):
    """One after the other: a model and a rule of one's own use names of the first."""
    monkeypatch.chdir(folder)
    names: dict = {"__name__": "readme"}
    for number, example in enumerate(README):
        exec(compile(example, f"README.md, example {number}", "exec", dont_inherit=True), names)
        result = names["sampler"].sample(names["ad"].read_queries("puzzles.txt", names["model"].task))
        assert len(result.answers) == 2
        assert sum(map(bool, example.splitlines())) <= 14
    assert "query 0, variation 0: " in capsys.readouterr().out
    assert result.reason(0) == "rule"
