"""The scripts of the self-correction experiment, on a small untrained model: they run, count and compare."""

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


def seed(scripts, ours, planted="1111"):
    """Results of one seed: four queries, every family at 2 and 4 forwards, the first one right for all but `ours`."""
    families = (*scripts["families"].POLICIES, *scripts["families"].FAMILIES)
    settings = [(f"{name} {nfe}", name, nfe) for name in families for nfe in (2, 4)]
    return {
        "samplers": [{"sampler": setting, "family": name} for setting, name, _ in settings],
        "queries": {
            setting: {"exact": ours if name == "correcting" else "1000", "nfe": " ".join([str(nfe)] * 4)}
            for setting, name, nfe in settings
        },
        "planted": {str(count): {"exact": planted, "clues_touched": 0} for count in range(5)},
        "head_cost": {"counted": 0.01, "measured": 0.02},
    }


def test_curves_are_compared_over_queries_and_seeds(scripts):
    """Ours is right on 7 of 8, the others on 2 of 8: 5 of 6 errors are gone, 5/8 are gained at 2 to 4 forwards."""
    summary = scripts["summarise"].summary([seed(scripts, "1111"), seed(scripts, "1110", planted="1110")])
    assert summary["best_learned"] == "correcting"
    assert summary["errors_removed"]["value"] == pytest.approx(5 / 6)
    assert summary["against"]["threshold"]["accuracy_gain_at_equal_cost"]["value"] == pytest.approx(5 / 8)
    assert summary["against"]["p2"]["reaches"] == {"correct": 0.25, "nfe_mean": 2}
    assert summary["planted_repaired"]["value"] == summary["right_kept"]["value"] == pytest.approx(7 / 8)
    assert (summary["head_cost"], summary["seeds"], summary["clues_touched"]) == (0.02, 2, 0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*revised nothing")
def test_a_checkpoint_is_measured_from_end_to_end(scripts, monkeypatch, tmp_path):
    small = ["task=sudoku_4x4", "model=sudoku_4x4"]
    config = resolve(compose("self_correction", small))
    torch.manual_seed(0)
    model, node = instantiate(config["model"]), config["model"]
    save_checkpoint(tmp_path / "model.safetensors", model, node, {"task": config["task"]})
    sizes = ["--seed", "0", "--puzzles", "6", "--validation", "4"]
    arguments = ["measure.py", str(tmp_path / "model.safetensors"), *sizes]
    monkeypatch.setattr(sys, "argv", arguments)
    with torch.no_grad():
        scripts["measure"].main()
    result = json.loads((tmp_path / "seed_0.json").read_text())
    families = {row["family"] for row in result["samplers"]}
    assert families == {*scripts["families"].FAMILIES, *scripts["families"].POLICIES}
    assert all(len(row["exact"]) == 6 and row["clues_touched"] == 0 for row in result["planted"].values())
    assert 0 < result["head_cost"]["counted"] < 1
    monkeypatch.setattr(sys, "argv", [*arguments, "--only", "p2"])
    with torch.no_grad():
        scripts["measure"].main()
    once_more = json.loads((tmp_path / "seed_0.json").read_text())
    assert once_more["queries"] == result["queries"]
    assert [row["sampler"] for row in once_more["samplers"]] == [row["sampler"] for row in result["samplers"]]
    summary = scripts["summarise"].summary([result])
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    scripts["figure"].main()
    assert (tmp_path / "accuracy_nfe.png").stat().st_size > 0
