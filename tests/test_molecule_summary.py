"""The summary of experiments/molecules counts the trainings that its files are of."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

pytest.importorskip("rdkit", reason="needs the extra molecules")

SCRIPTS = Path(__file__).parents[1] / "experiments" / "molecules"
NAMES = "summarise", "infill", "measure", "samplers"


@pytest.fixture
def summarised(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield import_module("summarise").summarised
    for name in NAMES:
        sys.modules.pop(name)


def write(folder, valid, removed=None):
    """Results of infilling and, where there are any, of self-correction."""
    folder.mkdir(exist_ok=True)
    settings = {"klass": {"valid": {"value": valid}}, "twin": {"valid": {"value": valid / 2}}}
    (folder / "infilling.json").write_text(json.dumps({"setting": "klass", "twin": "twin", "settings": settings}))
    if removed is not None:
        (folder / "judged.json").write_text(json.dumps({"errors_removed": {"value": removed, "low": 0}, "rival": "p2"}))


def test_seeds_are_counted_from_the_folders_whose_files_are_there(summarised, tmp_path):
    assert summarised(tmp_path)["seeds"] == 0
    write(tmp_path, 0.9, removed=0.5)
    alone = summarised(tmp_path)
    assert (alone["seeds"], alone["infill_valid_seeds"], alone["errors_removed_seeds"]) == (1, 1, 1)
    assert "second_training" not in alone
    write(tmp_path / "second_training", 0.8)
    both = summarised(tmp_path)
    assert (both["seeds"], both["infill_valid_seeds"], both["errors_removed_seeds"]) == (1, 2, 1)
    assert both["valid_seeds"] == 0
    assert both["second_training"] == {"infill_valid": 0.8, "infill_twin_valid": 0.4, "errors_removed": None}
    assert (both["infill_valid"], both["errors_removed"]) == (0.9, 0.5)


def test_results_of_another_experiment_are_no_second_training(summarised, tmp_path):
    write(tmp_path, 0.9)
    write(tmp_path / "short_training", 0.1)
    assert summarised(tmp_path)["infill_valid_seeds"] == 1


def test_uniqueness_of_10000_valid_strings_comes_from_a_file_of_its_own(summarised, tmp_path):
    row = {"forwards": 9, "fcd": 0.1, "valid": 0.8, "unique": 1.0, "novel": 1.0, "mean_atoms": 9}
    (tmp_path / "samplers.json").write_text(json.dumps({"settings": {"near": row}}))
    assert summarised(tmp_path)["unique_10k"] is None
    (tmp_path / "unique_10k").mkdir()
    more = {"settings": {"near": {**row, "unique@10000": 0.75}, "far": {"unique@10000": 0.5}}}
    (tmp_path / "unique_10k" / "samplers.json").write_text(json.dumps(more))
    assert summarised(tmp_path)["unique_10k"] == 0.75
