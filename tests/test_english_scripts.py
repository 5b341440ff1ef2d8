"""The scripts of the experiment english, on runs of a few numbers."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "experiments" / "english"


@pytest.fixture
def script(monkeypatch, request):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield import_module(request.param)
    sys.modules.pop(request.param)


def finished(folder, steps, models):
    """A run folder with what the scripts read: bits a byte and seconds of each model."""
    (folder / "stages").mkdir(parents=True)
    (folder / "config.yaml").write_text(f"steps: {steps}\n")
    (folder / "manifest.json").write_text('{"compute": {"device": "cpu"}}')
    rows = [{"model": name, "bits_per_byte": bits, "low": bits, "high": bits} for name, (bits, _) in models.items()]
    (folder / "bits_per_byte.json").write_text(json.dumps({"split": "validation", "models": rows}))
    for name, (_, seconds) in models.items():
        (folder / "stages" / f"{name}.json").write_text(json.dumps({"seconds": seconds}))
    return folder


@pytest.mark.parametrize("script", ["collect"], indirect=True)
def test_gap_is_that_of_the_old_recipe_and_that_of_the_best_ones(script, tmp_path):
    runs = [
        finished(tmp_path / "per_mask", 500, {"masked": (3.0, 360)}),
        finished(tmp_path / "bound", 500, {"masked": (2.9, 360), "autoregressive": (2.0, 300)}),
        finished(tmp_path / "tokens_1000", 500, {"masked": (2.5, 720), "autoregressive": (1.9, 600)}),
        finished(tmp_path / "bound,1500", 1500, {"masked": (2.0, 900), "autoregressive": (1.5, 900)}),
    ]
    found = script.summary([row for run in runs for row in script.rows_of(run)])
    assert found["gap_before"] == pytest.approx(1.0)
    assert found["gap_after"] == pytest.approx(0.6)
    assert (found["bits_masked"], found["bits_autoregressive"]) == (2.5, 1.9)
    assert (found["best_masked"], found["best_autoregressive"]) == ("tokens_1000", "tokens_1000")
    assert (found["hours"], found["hours_autoregressive"]) == (0.2, pytest.approx(1 / 6))
    assert [row["recipe"] for row in found["models"]][:2] == ["bound", "tokens_1000"]


@pytest.mark.parametrize("script", ["collect"], indirect=True)
def test_runs_without_the_old_recipe_are_refused(script, tmp_path):
    run = finished(tmp_path / "bound", 500, {"masked": (2.9, 360), "autoregressive": (2.0, 300)})
    with pytest.raises(ValueError, match="per_mask"):
        script.summary(script.rows_of(run))


@pytest.mark.parametrize("script", ["tokens"], indirect=True)
def test_learned_tokens_give_back_the_same_bytes(script, tmp_path):
    pytest.importorskip("transformers", reason="needs the extra pretrained")
    from adaptive_diffusion.tasks.text.tokenizer import PretrainedTokenizer

    texts = [f"The number {n} comes after {n - 1}; so  does \u00c5land.\n".encode() for n in range(50)]
    script.learned(texts, 300).save_pretrained(tmp_path)
    tokenizer = PretrainedTokenizer(str(tmp_path))
    encoded = tokenizer.encode(texts[7])
    assert tokenizer.size == 300
    assert tokenizer.decode(encoded) == texts[7]
    assert len(encoded) < len(texts[7])
