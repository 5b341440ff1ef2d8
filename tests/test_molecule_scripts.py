"""The scripts of experiments/molecules, on small untrained models: they run, count and compare."""

import json
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="needs the extra molecules")

from adaptive_diffusion.config import instantiate
from adaptive_diffusion.storage.checkpoint import save_checkpoint

SCRIPTS = Path(__file__).parents[1] / "experiments" / "molecules"
SMALL = {"vocabulary": 37, "width": 16, "depth": 1, "heads": 2}
PLACES = {"_target_": "adaptive_diffusion.models.positions.RotaryPositions.line", "length": 16}
KINDS = {
    "masked": "adaptive_diffusion.models.transformer.TransformerDenoiser",
    "twin": "adaptive_diffusion.models.given_first.GivenFirstTransformer",
}


@pytest.fixture
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    names = ("samplers", "measure", "diagnose", "infill")
    yield {name: import_module(name) for name in names}
    for name in names:
        sys.modules.pop(name)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "some.smi").write_text("\n".join("C" * size + end for size in range(1, 12) for end in "CNOFS"))
    corpus = {"_target_": "adaptive_diffusion.tasks.molecules.SmilesFile", "path": str(tmp_path / "some.smi")}
    data = {"_target_": "adaptive_diffusion.tasks.molecules.MoleculeData", "corpus": corpus, "length": 16}
    (tmp_path / "checkpoints").mkdir()
    for name, kind in KINDS.items():
        node = {
            "_target_": "adaptive_diffusion.models.heads.DenoiserWithHeads",
            "denoiser": {"_target_": kind, **SMALL, "positions": PLACES},
        }
        save_checkpoint(tmp_path / "checkpoints" / f"{name}.safetensors", instantiate(node), node, {"task": data})
    return tmp_path


def test_infilling_enters_the_summary(scripts, run):
    only = ["--only", "random_4", "twin", "--out", str(run / "out")]
    scripts["infill"].main([str(run), "--queries", "3", "--variations", "2", *only])
    found = json.loads((run / "out" / "infilling.json").read_text())
    assert found["setting"] == "random_4"
    assert found["settings"]["random_4"]["valid"]["value"] <= 1
    scripts["measure"].main([str(run), "--strings", "4", "--reference", "4", *only])
    summary = json.loads((run / "out" / "summary.json").read_text())
    assert summary["infill_twin_valid"] == found["settings"]["twin"]["valid"]["value"]
    assert summary["infill_valid"] == found["settings"]["random_4"]["valid"]["value"]


def test_measures_of_some_settings_and_the_twin(scripts, run):
    arguments = [str(run), "--strings", "6", "--reference", "5", "--only", "random_4", "blocks_4_2", "twin"]
    scripts["measure"].main([*arguments, "--out", str(run / "out")])
    found = json.loads((run / "out" / "summary.json").read_text())
    assert set(found["settings"]) == {"random_4", "blocks_4_2", "twin"}
    assert found["settings"]["random_4"]["forwards"] <= 4
    assert found["twin_forwards"] > 4
    assert found["setting"] in ("random_4", "blocks_4_2")
    assert (run / "out" / "twin.html").read_text().count("<figure>") == 6


def test_best_setting_is_the_nearest_to_the_test_set_within_the_forwards(scripts):
    rows = {
        "slow": {"forwards": 20, "fcd": 0.1, "valid": 1.0},
        "far": {"forwards": 4, "fcd": 3.0, "valid": 1.0},
        "near": {"forwards": 16, "fcd": 1.0, "valid": 0.5},
        "twin": {"forwards": 9, "fcd": 0.0, "valid": 1.0},
    }
    assert scripts["measure"].best(rows) == "near"
    assert scripts["measure"].best({"twin": rows["twin"]}) is None


def test_diagnosis_counts_every_string(scripts, run):
    scripts["diagnose"].main([str(run), "--strings", "5", "--steps", "3", "--out", str(run)])
    found = json.loads((run / "diagnosis.json").read_text())
    for row in found["variants"].values():
        assert row["valid"]["value"] + sum(row["errors"].values()) == pytest.approx(1)
    assert found["variants"]["base"]["forwards"] <= 3
    assert set(found["written_again"]) == {f"share_{share}_steps_{steps}" for share in (0.2, 0.5) for steps in (1, 4)}


def test_figures_of_tokens_by_the_step_of_their_commit(scripts):
    step = np.array([1, 2, 2, 4, 0])
    found = scripts["diagnose"].token_figures(step, [1, 3])
    assert found == {"place": 2 / 3, "step": 0.75, "open_before": 0.5, "together": 1.5}
    assert scripts["diagnose"].token_figures(step, [4]) is None
