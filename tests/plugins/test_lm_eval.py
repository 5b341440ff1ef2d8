"""lm-eval runs a small local task file with our model, by the launcher's registration."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.pretrained
pytest.importorskip("transformers", reason="needs the extra pretrained")
lm_eval = pytest.importorskip("lm_eval", reason="needs the extra lm-eval")

from adaptive_diffusion.plugins import lm_eval as plugin  # noqa: E402

WRITES = """
task: tiny_writes
dataset_path: json
dataset_kwargs: {{data_files: {{test: {questions}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["w7"], max_gen_toks: 6}}
metric_list: [{{metric: exact_match}}]
"""
CHOOSES = """
task: tiny_chooses
dataset_path: json
dataset_kwargs: {{data_files: {{test: {questions}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: ["w5 w6", "w8"]
doc_to_target: 0
metric_list: [{{metric: acc}}]
"""


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """A folder with two small task files."""
    folder = tmp_path_factory.mktemp("tasks")
    questions = folder / "questions.jsonl"
    rows = [{"question": "w1 w2 w3", "answer": "w4"}, {"question": "w9", "answer": "w5"}]
    questions.write_text("\n".join(map(json.dumps, rows)))
    for name, task in (("writes", WRITES), ("chooses", CHOOSES)):
        (folder / f"{name}.yaml").write_text(task.format(questions=questions))
    return folder


@pytest.fixture(scope="module")
def results(exported, tasks):
    plugin.register()
    return lm_eval.simple_evaluate(
        model="adaptive_diffusion",
        model_args=f"model={exported},sampler=threshold,draws=3,batch_size=4",
        tasks=["tiny_writes", "tiny_chooses"],
        task_manager=lm_eval.tasks.TaskManager(include_path=str(tasks), include_defaults=False),
        bootstrap_iters=0,
        log_samples=True,
    )


def test_both_kinds_of_task_have_a_result(results):
    assert 0 <= results["results"]["tiny_writes"]["exact_match,none"] <= 1
    assert 0 <= results["results"]["tiny_chooses"]["acc,none"] <= 1


def test_nfe_of_every_request_is_reported(results):
    cost = results["config"]["nfe_by_request"]
    writes = [nfe for name, nfe in cost.items() if name.startswith("tiny_writes/")]
    assert len(writes) == 2
    assert all(1 <= nfe <= 6 for nfe in writes)
    assert sorted(nfe for name, nfe in cost.items() if name.startswith("tiny_chooses/")) == [3, 3, 3, 3]
    assert results["config"]["nfe_max"] == max(cost.values())


def test_answers_end_at_stops_and_at_the_number_of_tokens(results):
    for sample in results["samples"]["tiny_writes"]:
        assert "w7" not in sample["resps"][0][0]
        assert len(sample["resps"][0][0].split()) <= 6


def test_run_from_the_cache_has_no_nfe(exported, tasks, tmp_path):
    settings = {
        "model": "adaptive_diffusion",
        "model_args": f"model={exported},sampler=threshold",
        "tasks": ["tiny_writes"],
        "task_manager": lm_eval.tasks.TaskManager(include_path=str(tasks), include_defaults=False),
        "use_cache": str(tmp_path / "answers"),
        "bootstrap_iters": 0,
    }
    first, second = (lm_eval.simple_evaluate(**settings) for _ in range(2))
    assert first["config"]["nfe_mean"] >= 1
    assert second["config"]["nfe_mean"] is None
    assert second["config"]["nfe_by_request"] == {}
    assert second["results"]["tiny_writes"] == first["results"]["tiny_writes"]


def test_launcher_is_lm_evals_command_line_with_our_models(exported, tasks, tmp_path):
    command = [sys.executable, "-m", "adaptive_diffusion.plugins.lm_eval", "run", "--model", "adaptive_diffusion"]
    command += ["--model_args", f"model={exported},sampler=threshold", "--batch_size", "auto:4", "--device", "cpu"]
    command += ["--tasks", "tiny_writes", "--include_path", str(tasks), "--output_path", str(tmp_path)]
    done = subprocess.run(command, env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "batch_size='auto:4' is not measured here" in done.stderr
    (file,) = tmp_path.rglob("results_*.json")
    written = json.loads(file.read_text())
    assert "exact_match,none" in written["results"]["tiny_writes"]
    assert len(written["config"]["nfe_by_request"]) == 2


def test_unknown_model_is_refused():
    with pytest.raises(ValueError, match="no model 'llama'"):
        plugin.DiffusionLM("llama")
