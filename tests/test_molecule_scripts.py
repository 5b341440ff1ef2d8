"""The scripts of experiments/molecules, on small untrained models: they run, count and compare."""

import json
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("rdkit", reason="needs the extra molecules")

from adaptive_diffusion.config import compose, instantiate
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.rules.proposal import inverse_cdf
from adaptive_diffusion.runs.experiment import run_experiment
from adaptive_diffusion.runs.trained_model import load_trained_model
from adaptive_diffusion.storage.checkpoint import save_checkpoint
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.tasks.molecules.tokenizer import SYMBOLS

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
    names = [file.stem for file in SCRIPTS.glob("*.py") if file.stem != "figure"]
    yield {name: import_module(name) for name in names}
    for name in names:
        sys.modules.pop(name)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "some.smi").write_text("\n".join("C" * size + end for size in range(1, 12) for end in "CNOFS"))
    (tmp_path / "checkpoints").mkdir()
    for name, kind in KINDS.items():
        untrained(tmp_path, name, kind)
    return tmp_path


def untrained(run, name, kind, **parts):
    """Saves a checkpoint of an untrained denoiser."""
    corpus = {"_target_": "adaptive_diffusion.tasks.molecules.SmilesFile", "path": str(run / "some.smi")}
    data = {"_target_": "adaptive_diffusion.tasks.molecules.MoleculeData", "corpus": corpus, "length": 16}
    denoiser = {"_target_": kind, **SMALL, "positions": PLACES, **parts}
    node = {"_target_": "adaptive_diffusion.models.heads.DenoiserWithHeads", "denoiser": denoiser}
    save_checkpoint(run / "checkpoints" / f"{name}.safetensors", instantiate(node), node, {"task": data})


def test_infilling_enters_the_summary(scripts, run):
    only = ["--only", "random_4", "twin", "--out", str(run / "out")]
    scripts["infill"].main([str(run), "--queries", "3", "--variations", "2", *only])
    found = json.loads((run / "out" / "infilling.json").read_text())
    assert found["setting"] == "random_4"
    scripts["measure"].main([str(run), "--strings", "4", "--reference", "4", *only])
    scripts["summarise"].main(["--out", str(run / "out")])
    summary = json.loads((run / "out" / "summary.json").read_text())
    assert summary["infill_twin_valid"] == found["settings"]["twin"]["valid"]["value"]
    assert summary["infill_valid"] == found["settings"]["random_4"]["valid"]["value"]


def test_what_holds_a_scaffold_is_chosen_on_validation_molecules(scripts, run):
    (run / "some.smi").write_text("\n".join("C" * size + f"C1CC1{end}" for size in range(8) for end in "NOFS"))
    names = ["random_4", "twin", "twin_0.5"]
    arguments = [str(run), "--opening", "scaffold", "--queries", "2", "--choose", "2", "--variations", "2"]
    scripts["infill"].main([*arguments, "--only", *names, "--out", str(run / "out")])
    found = json.loads((run / "out" / "infilling_scaffold.json").read_text())
    assert set(found["settings"]) == set(found["validation"]) == set(names)
    assert found["manifest"]["command"].endswith(f" --only {' '.join(names)}")
    best = found["twin"]
    assert best == max(("twin", "twin_0.5"), key=lambda name: found["validation"][name]["held"]["value"])
    for row in found["settings"].values():
        assert row["held_and_different"]["value"] <= row["held"]["value"] <= row["valid"]["value"]
    summary = scripts["summarise"].summarised(run / "out")
    assert summary["infill_scaffold"]["twin"]["held"] == found["settings"][best]["held"]


def test_measures_of_some_settings_and_the_twin(scripts, run):
    arguments = [str(run), "--strings", "6", "--reference", "5", "--only", "random_4", "blocks_4_2", "twin"]
    scripts["measure"].main([*arguments, "--out", str(run / "out")])
    found = json.loads((run / "out" / "samplers.json").read_text())["settings"]
    assert set(found) == {"random_4", "blocks_4_2", "twin"}
    assert found["random_4"]["forwards"] <= 4
    assert found["twin"]["forwards"] > 4
    assert (run / "out" / "twin.html").read_text().count("<figure>") == 6
    assert found["twin"]["manifest"]["command"].endswith("--seed 0 --only random_4 blocks_4_2 twin")


def test_a_later_setting_leaves_the_manifests_of_earlier_ones(scripts, run):
    arguments, file = [str(run), "--reference", "5", "--out", str(run / "out")], run / "out" / "samplers.json"
    scripts["measure"].main([*arguments, "--strings", "4", "--only", "random_4"])
    first = json.loads(file.read_text())["settings"]
    old = {"settings": {"twin": {"forwards": 9}}, "manifest": {"command": "of the time before"}}
    file.write_text(json.dumps(old | {"settings": old["settings"] | first}))
    scripts["measure"].main([*arguments, "--strings", "6", "--seed", "1", "--only", "random_8"])
    found = json.loads(file.read_text())
    assert found["settings"].pop("random_8")["manifest"]["command"].endswith("--seed 1 --only random_8")
    assert found == old | {"settings": old["settings"] | first}


def test_a_denoiser_of_blocks_is_measured_with_its_blocks(scripts, run):
    untrained(run, "masked", "adaptive_diffusion.models.given_first_blocks.GivenFirstBlocks", block_length=4)
    names = ["entropy_2_a_block", "entropy_all"]
    arguments = [str(run), "--block-length", "4", "--only", *names, "twin", "--out", str(run / "out")]
    scripts["measure"].main([*arguments, "--strings", "6", "--reference", "5"])
    found = json.loads((run / "out" / "samplers.json").read_text())["settings"]
    assert found["entropy_2_a_block"]["forwards"] < found["entropy_all"]["forwards"] == found["twin"]["forwards"]
    scripts["infill"].main([*arguments, "--queries", "3", "--variations", "2"])
    found = json.loads((run / "out" / "infilling.json").read_text())
    assert set(found["settings"]) == {*names, "twin"}
    assert "--block-length 4 --only" in found["manifest"]["command"]


def test_best_setting_is_the_nearest_to_the_test_set_within_the_forwards(scripts):
    rows = {
        "slow": {"forwards": 20, "fcd": 0.1, "valid": 1.0, "mean_atoms": 9},
        "far": {"forwards": 4, "fcd": 3.0, "valid": 1.0, "mean_atoms": 9},
        "small": {"forwards": 4, "fcd": 0.5, "valid": 1.0, "mean_atoms": 5},
        "near": {"forwards": 16, "fcd": 1.0, "valid": 0.5, "mean_atoms": 8.6},
        "twin": {"forwards": 9, "fcd": 0.0, "valid": 1.0, "mean_atoms": 9},
    }
    assert scripts["summarise"].best(rows) == "near"
    assert scripts["summarise"].best({"twin": rows["twin"]}) is None


def test_summary_is_null_where_nothing_was_measured(scripts, tmp_path):
    scripts["summarise"].main(["--out", str(tmp_path)])
    found = json.loads((tmp_path / "summary.json").read_text())
    assert found["valid"] is found["errors_removed"] is found["halting_cost_ratio"] is None
    halting = {"cost_ratio_to_fixed": {"value": 0.5, "high": 0.6}, "cost_ratio_to_best": {"value": 0.8, "high": 1.1}}
    (tmp_path / "complete.json").write_text(json.dumps(halting))
    scripts["summarise"].main(["--out", str(tmp_path)])
    found = json.loads((tmp_path / "summary.json").read_text())
    assert (found["halting_cost_ratio"], found["halting_cost_ratio_high"]) == (0.8, 1.1)


@pytest.mark.parametrize("order", ["left to right", "right to left", "random", "lowest entropy first"])
def test_probabilities_of_all_strings_of_two_tokens_sum_to_one(scripts, run, order):
    model = load_trained_model(run / "checkpoints" / "masked.safetensors").model
    clean = torch.cartesian_prod(torch.arange(37), torch.arange(37))
    clean = torch.cat([clean, torch.full((len(clean), 14), 36)], 1)
    opened = (torch.arange(16) < 2).expand_as(clean)
    queries = Queries.of(clean.where(~opened, 37), opened)
    same = torch.zeros(1, 16).expand(clean.shape) if order == "random" else None
    with torch.inference_mode():
        nats = scripts["orders"].nats_of_order(model, queries, clean, order, ranks=same)
    assert (nats[:, 2:] == 0).all()
    assert (-nats.sum(1)).exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_twin_with_a_cache_writes_what_it_writes_without(scripts, run):
    trained = load_trained_model(run / "checkpoints" / "twin.safetensors")
    queries = trained.data.task.queries(trained.data.new(5, 0))
    uniforms = torch.rand(queries.tokens.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        answers, nfe = scripts["latency"].CachedTwin(trained.model.denoiser).write(queries, uniforms)
        assert nfe.tolist() == queries.editable.sum(1).tolist()
        logits = trained.model.logits(trained.model.denoiser.hidden(answers, queries.editable))
    drawn = inverse_cdf(logits.double().softmax(-1).flatten(0, 1), uniforms.flatten()).view(answers.shape)
    assert torch.equal(answers, drawn.where(queries.editable, queries.tokens))


def test_latency_and_orders_are_written(scripts, run):
    arguments = ["--samplers", "random_4", "--batches", "1", "2", "--tries", "1", "--out", str(run / "out")]
    scripts["latency"].main([str(run), *arguments])
    found = json.loads((run / "out" / "latency.json").read_text())
    assert set(found["speedup"]["1"]) == {"random_4", "twin_without_cache"}
    scripts["orders"].main([str(run), "--strings", "4", "--out", str(run / "out")])
    found = json.loads((run / "out" / "orders.json").read_text())
    assert 0 <= found["one_open"]["all"]["mass_of_invalid"] <= 1
    rows = found["orders"]
    assert len(rows) == 5
    for row in rows.values():
        assert sum(row["by_kind"].values()) == pytest.approx(row["nats"]["value"])


def test_states_of_a_training_are_measured(scripts, run):
    (run / "states").mkdir()
    model = load_trained_model(run / "checkpoints" / "masked.safetensors").model
    state = {f"model.{name}": value for name, value in model.state_dict().items()}
    torch.save({"state_dict": state}, run / "states" / "masked-100.ckpt")
    scripts["growth"].main([str(run), str(run / "states"), "--strings", "3", "--out", str(run / "out")])
    points = json.loads((run / "out" / "growth.json").read_text())["points"]
    valid = {steps: [one["valid"] for one in points if one["steps"] == steps] for steps in (100, None)}
    assert valid[100] == valid[None][:4]


def small(run, experiment, *changes):
    """The config of an experiment on the masked denoiser of a run, small."""
    config = compose(
        experiment,
        (
            f"start={run / 'checkpoints' / 'masked.safetensors'}",
            "task.length=16",
            "task.held_out_problems=6",
            "task.batch_size=8",
            "model.denoiser.width=16",
            "model.denoiser.depth=1",
            "model.denoiser.heads=2",
            "model.denoiser.positions.length=16",
            "stages.quality.steps=2",
            *changes,
        ),
    )
    config.task.corpus = {"_target_": "adaptive_diffusion.tasks.molecules.SmilesFile", "path": str(run / "some.smi")}
    return config


@pytest.fixture
def heads(run):
    """A run of molecules_heads, small."""
    changes = (
        "stages.rollouts.queries=12",
        "stages.rollouts.max_steps=4",
        "stages.measures.tried=[answer_probability]",
        *(f"stages.{name}.steps=2" for name in ("solved", "cost_aware", "agreement", "agreement_cost_aware")),
    )
    with RunFolder(run / "heads") as folder:
        run_experiment(small(run, "molecules_heads", *changes), folder, say=lambda line: None)
    return run / "heads"


def test_self_correction_and_halting_on_a_run_of_heads(scripts, run, heads):
    scripts["halting"].main([str(heads), "--strings", "4", "--reference", "4", "--out", str(run / "out")])
    found = json.loads((run / "out" / "halting.json").read_text())
    assert set(found["heads"]) == {"solved", "cost_aware", "agreement", "agreement_cost_aware"}
    assert {"cost_aware", "fixed"} <= set(found["sets"])
    scripts["complete"].main([str(heads), "--strings", "4", "--reference", "4", "--out", str(run / "out")])
    found = json.loads((run / "out" / "complete.json").read_text())
    assert set(found["sets"]) == {"solved, cheap", "solved, valid", "cost_aware, cheap", "cost_aware, valid"}
    scripts["correct"].main([str(heads), "--strings", "6", "--reference", "4", "--out", str(run / "out")])
    found = json.loads((run / "out" / "correction.json").read_text())
    assert found["setting"].rpartition(" ")[0] in scripts["correct"].LEARNED
    assert found["rival"] not in scripts["correct"].LEARNED
    assert set(found["sets"]) == {found["setting"], found["rival_setting"]}


def test_doubted_molecules_are_begun_anew_and_compared(scripts, run):
    config = small(run, "molecules_judged")
    for states, rows in zip(config.stages.quality.module.training_states, (5, 3), strict=True):
        states.rows = rows
    with RunFolder(run / "judged") as folder:
        run_experiment(config, folder, say=lambda line: None)
    scripts["judge"].main([str(run / "judged"), "--strings", "6", "--reference", "4", "--out", str(run / "out")])
    found = json.loads((run / "out" / "judged.json").read_text())
    assert found["setting"].startswith("judged")
    assert {"restart", "entropy_bound", "p2"} <= set(found["against"])
    assert found["errors_removed"] == found["against"][found["rival"]]
    assert {found["setting"], found["rival_setting"]} <= set(found["sets"])
    scripts["summarise"].main(["--out", str(run / "out")])
    summary = json.loads((run / "out" / "summary.json").read_text())
    assert summary["errors_removed"] == found["errors_removed"]["value"]
    assert summary["errors_removed_against"] == found["rival"]


def test_the_threshold_is_the_most_valid_one_as_near_as_one_drawing(scripts):
    choose, once = scripts["judge"].chosen_threshold, {"one drawing": {"forwards": 13, "valid": 0.8, "fcd": 0.3}}
    row = lambda valid, fcd, forwards=18: {"forwards": forwards, "valid": valid, "fcd": fcd}  # noqa: E731 (a table)
    sets = once | {f"judged {at:g}": row(0.9 + at / 20, 0.3 + at / 5) for at in (0.1, 0.3, 0.5, 0.7, 0.8, 0.9)}
    assert choose(sets, 0.1) == 0.5
    assert choose(sets, 0.0) == 0.1
    assert choose(sets | {"judged 0.3": row(0.99, 0.4)}, 0.1) == 0.3
    assert choose(sets | {"judged 0.5": row(0.99, 0.4, forwards=25)}, 0.1) == 0.3
    far = {name: {**own, "fcd": 1.0} for name, own in sets.items() if name != "one drawing"}
    assert choose(once | far, 0.1) == 0.1


def test_a_rival_far_from_the_test_molecules_does_not_count(scripts):
    against = {"probable": {"value": 0.0}, "search": {"value": 0.5}, "random": {"value": 0.7}}
    settings = {family: f"{family} 1" for family in against}
    sets = {"judged 1": {"fcd": 0.4}, "probable 1": {"fcd": 5.0}, "search 1": {"fcd": 0.49}, "random 1": {"fcd": 0.4}}
    strongest = scripts["judge"].strongest
    assert strongest(against, settings, sets, "judged 1") == "search"
    assert strongest(against, settings, sets | {"probable 1": {"fcd": None}}, "judged 1") == "probable"
    assert strongest(against, settings, sets | {"judged 1": {"fcd": 0.1}}, "judged 1") == "probable"


def test_goal_is_chosen_on_validation_molecules_and_measured_on_test_molecules(scripts, run):
    arguments = [str(run), "--choose", "4", "--strings", "5", "--reference", "4", "--out", str(run / "out")]
    scripts["goal"].main(arguments)
    found = json.loads((run / "out" / "goal.json").read_text())
    assert set(found["test"]) == {"masked", "restart", "twin"}
    for family, row in found["test"].items():
        assert row["setting"] == scripts["goal"].nearest(found["validation"][family])
        assert (found["validation"][family][row["setting"]]["strings"], row["strings"]) == (4, 5)
        assert row["valid_low"] <= row["valid"] <= row["valid_high"]
        assert row["valid"] + sum(row["errors"].values()) == pytest.approx(1)
    assert (found["real"]["valid"], found["goal"]) == (1, {"valid": 0.96, "fcd": 0.32, "forwards": 16})
    scripts["goal"].main(arguments)
    again = json.loads((run / "out" / "goal.json").read_text())
    assert again["test"] == found["test"]  # what is measured is not measured again


def test_the_worse_of_validity_and_fcd_is_the_distance_from_the_goal(scripts):
    rows = {
        "far": {"valid": 0.96, "fcd": 0.64, "forwards": 7},
        "near": {"valid": 0.92, "fcd": 0.1, "forwards": 7},
        "reached": {"valid": 0.97, "fcd": 0.3, "forwards": 17},
        "no figure": {"valid": 1.0, "fcd": None, "forwards": 7},
    }
    distances = {name: scripts["goal"].distance(row) for name, row in rows.items()}
    assert distances == pytest.approx({"far": 2, "near": 2, "reached": 0.9375, "no figure": float("inf")})
    del rows["far"]
    assert scripts["goal"].nearest(rows) == "near"
    assert scripts["goal"].nearest({"reached": rows["reached"]}) == "reached"


def test_pairs_of_symbols_are_learned_after_the_symbols(scripts):
    found = scripts["pairs"].learned(["CCO"] * 5 + ["C[Au]C"] + ["CCN"] * 4, 38)
    assert found[:36] == list(SYMBOLS)
    assert found[36:] == ["CC", "CCO"]


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
