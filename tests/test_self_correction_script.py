"""The scripts of the self-correction experiment, on a small untrained model: they run, count and pool as they say."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

from adaptive_diffusion.config import compose, instantiate, resolve
from adaptive_diffusion.storage.checkpoint import save_checkpoint

SCRIPTS = Path(__file__).parents[1] / "experiments" / "self_correction_at_equal_compute"


@pytest.fixture
def scripts(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    found = {name: import_module(name) for name in ("families", "measure", "summarise", "figure")}
    for name in ("measure", "summarise", "figure"):
        monkeypatch.setattr(found[name], "RESULTS", tmp_path)
    yield found
    for name in found:
        sys.modules.pop(name)


def told(exact, nfe, planted="1111"):
    names = ("correcting", "halting_alone", "threshold", "token_editing", "gidd", "wino", "p2", "remdm_cap")
    names += ("remdm_rescale", "remdm_conf", "restart", "reprediction")
    better = {"correcting": exact}
    queries = {name: {"exact": better.get(name, "1000"), "nfe": [nfe] * 4} for name in names}
    rows = {str(count): {"exact": planted, "clues_touched": 0} for count in range(5)}
    policies = ("correcting", "composed", "policy")
    queries |= dict.fromkeys(policies[1:], queries["threshold"])
    told = {name: {"sampler": f"{name} x", "correct": 1 - at / 10, "nfe_mean": 2.0} for at, name in enumerate(policies)}
    chosen = {name: row["sampler"] for name, row in told.items()}
    costs = {"counted": 0.01, "measured": 0.02}
    validation = {name: [row] for name, row in told.items()}
    return {"queries": queries, "planted": rows, "head_cost": costs, "validation": validation, "chosen": chosen}


def test_seeds_are_pooled_query_by_query(scripts):
    summary = scripts["summarise"].summary([told("1111", 3), told("1110", 3, planted="1110")])
    assert summary["policies"] == ["correcting", "correcting"]
    assert summary["errors_removed"] == pytest.approx(5 / 6)
    assert summary["gains"]["threshold"][0] == pytest.approx(5 / 8)
    assert summary["gain_over_best_headless_ci_low"] > 0
    assert summary["planted_repaired"] == summary["right_kept"] == pytest.approx(7 / 8)
    assert (summary["head_cost"], summary["seeds"], summary["clues_touched"]) == (0.02, 2, 0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*revised nothing")
def test_a_checkpoint_is_measured_from_end_to_end(scripts, monkeypatch, tmp_path):
    small = ["task=sudoku_4x4", "model=sudoku_4x4"]
    config = resolve(compose("self_correction", small))
    torch.manual_seed(0)
    model, node = instantiate(config["model"]), config["model"]
    save_checkpoint(tmp_path / "model.safetensors", model, node, {"task": config["task"]})
    told = ["measure.py", str(tmp_path / "model.safetensors"), "--seed", "0", "--puzzles", "6", "--validation", "4"]
    monkeypatch.setattr(sys, "argv", told)
    with torch.no_grad():
        scripts["measure"].main()
    result = json.loads((tmp_path / "seed_0.json").read_text())
    assert set(result["queries"]) == {*scripts["families"].FAMILIES, *scripts["families"].POLICIES}
    assert all(len(row["exact"]) == 6 and row["clues_touched"] == 0 for row in result["planted"].values())
    assert 0 < result["head_cost"]["counted"] < 1
    summary = scripts["summarise"].summary([result])
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    scripts["figure"].main()
    assert (tmp_path / "accuracy_nfe.png").stat().st_size > 0
