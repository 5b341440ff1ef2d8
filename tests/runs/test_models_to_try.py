"""Models that come with the package: they load by name, answer at once, and their cards hold."""

import importlib
import json
import re
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import adaptive_diffusion as ad
from adaptive_diffusion.cli.app import app
from adaptive_diffusion.config.resolution import leaves
from adaptive_diffusion.evaluation.accuracy import summarise
from adaptive_diffusion.runs.engine import Here
from adaptive_diffusion.runs.evaluate import evaluate_file
from adaptive_diffusion.runs.models_to_try import decisions, models_to_try, most_accurate
from adaptive_diffusion.runs.query_job import QueryJob
from adaptive_diffusion.runs.sampled import sampled_pieces
from adaptive_diffusion.runs.trained_model import checkpoint_file, load_trained_model, names_a_model
from adaptive_diffusion.storage.checkpoint import read_header

MODELS = {model.name: model for model in models_to_try()}
NEEDS = {"molecules": "rdkit"}
DATA = {"text": {"problems.jsonl"}}
LARGEST = 4_000_000


@pytest.mark.parametrize("name", MODELS)
def test_figures_of_the_card_are_reproduced_on_its_first_problems(name):
    """Exactly: forwards, tokens and correctness of each problem, for the samplers of the card but the first.

    The first takes five times as long as the others together and is left to `make test-slow`.
    """
    check(name, list(MODELS[name].figures["first"])[1:])


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_figures_of_the_slowest_sampler_are_reproduced(name):
    check(name, list(MODELS[name].figures["first"])[:1])


def check(name, samplers):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    expected = MODELS[name].figures["first"]
    trained = load_trained_model(name)
    count = len(expected[samplers[0]]["nfe"])
    problems = trained.data.test.take(slice(count))
    for text in samplers:
        with torch.inference_mode():
            (done,) = sampled_pieces(text, trained.sampler(text), trained.task, problems)
        assert decisions(done.result.nfe, done.result.answers, done.grades["correct"]) == expected[text], text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "number"),
    [(name, number) for name, model in MODELS.items() for number in range(len(model.figures["samplers"]))],
)
def test_table_of_the_card_is_reproduced_on_all_test_problems(name, number):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    row, trained = MODELS[name].figures["samplers"][number], load_trained_model(name)
    problems = trained.data.test
    with torch.inference_mode():
        (done,) = sampled_pieces(row["sampler"], trained.sampler(row["sampler"]), trained.task, problems)
    assert len(problems) == MODELS[name].figures["test_problems"]
    revisions = done.result.revisions.double().mean().item()
    found = {**summarise(done.result.nfe, done.grades), "revisions_mean": revisions}
    assert {figure: found[figure] for figure in row if figure != "sampler"} == pytest.approx(
        {figure: value for figure, value in row.items() if figure != "sampler"}
    )


@pytest.mark.parametrize("name", MODELS)
def test_folder_of_a_model_is_small_and_complete(name):
    model = MODELS[name]
    files = {"README.md", "config.json", "figures.json", "model.safetensors"}
    assert {file.name for file in model.folder.iterdir()} == files | DATA.get(name, set())
    assert model.size < LARGEST
    card = (model.folder / "README.md").read_text()
    assert f'ad.load("{name}")' in card
    for row in model.figures["samplers"]:
        assert f"| `{row['sampler']}` | {100 * row['correct']:.1f}% | {row['nfe_mean']:.2f} |" in card


@pytest.mark.parametrize("name", MODELS)
def test_card_is_made_from_the_other_files_and_no_path_of_a_machine_is_in_them(name, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "scripts")
    model, header = MODELS[name], read_header(MODELS[name].folder / "model.safetensors")
    made = importlib.import_module("models_to_try").card(name, model.figures, header, model.size)
    assert (model.folder / "README.md").read_text() == made
    assert f"    {model.figures['trained_by'].split(' && ')[0]}\n" in made
    assert [value for _, value in leaves(header.about) if str(value).startswith("/")] == []


@pytest.mark.parametrize("name", MODELS)
def test_query_of_the_card_is_answered_from_the_standard_input(name):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    query = MODELS[name].figures["query"]
    done = CliRunner().invoke(app, ["sample", name, "--queries", "-"], input=f"{query}\n")
    assert done.exit_code == 0, done.output
    first, *answer = done.stdout.splitlines()
    assert first.startswith("query 0, variation 0: ")
    assert "".join(answer).strip()


def test_command_lists_the_models_with_task_size_and_figures():
    listed = json.loads(CliRunner().invoke(app, ["models", "--json"]).stdout)
    assert [model["name"] for model in listed] == list(MODELS) == ["countdown-3", "molecules", "sudoku-6x6", "text"]


@pytest.mark.parametrize("columns", [72, 120])
def test_table_of_the_models_shows_every_figure_on_a_narrow_terminal_too(columns):
    table = CliRunner().invoke(app, ["models"], env={"COLUMNS": str(columns)}).stdout
    assert all(text in table for text in ("sudoku_6x6", "2.8 MB", "cost_aware"))
    for model in MODELS.values():
        for row in model.figures["samplers"]:
            assert re.search(rf"{100 * row['correct']:.1f}%\s+{row['nfe_mean']:.2f}", table)


def test_most_accurate_model_is_the_one_whose_best_sampler_is_right_most_often():
    assert most_accurate().name == "sudoku-6x6"


def test_queries_of_the_standard_input_are_answered_by_a_model_with_a_name():
    puzzle = "..3456456123231564564231312645645312\n"
    sampled = CliRunner().invoke(app, ["sample", "sudoku-6x6", "--queries", "-", "--sampler", "learned"], input=puzzle)
    assert sampled.exit_code == 0, sampled.output
    assert "123456" in re.sub(r"[^0-9]", "", sampled.stdout.split("\n", 1)[1])
    arguments = ["evaluate", "sudoku-6x6", "--queries", "-", "--sampler", "learned", "--json"]
    row = json.loads(CliRunner().invoke(app, arguments, input=puzzle).stdout)[0]
    assert row["queries"] == row["correct"] == 1


def test_error_in_queries_of_the_standard_input_names_it_and_no_temporary_file():
    refused = CliRunner().invoke(app, ["sample", "sudoku-6x6", "--queries", "-"], input="12\n")
    assert refused.exit_code == 2
    assert "the standard input" in refused.output
    assert "tmp" not in refused.output


def test_objects_on_the_standard_input_are_one_query_a_line():
    lines = '{"text": "a = <|2|>"}\n{"text": "b = <|2|>"}\n'
    sampled = CliRunner().invoke(app, ["sample", "text", "--queries", "-"], input=lines)
    assert sampled.exit_code == 0, sampled.output
    assert [line[:7] for line in sampled.stdout.splitlines() if line[:1] == "q"] == ["query 0", "query 1"]
    assert "{" not in sampled.stdout


def test_notes_on_the_standard_input_name_it_and_no_temporary_file():
    sampled = CliRunner().invoke(app, ["sample", "text", "--queries", "-"], input="a = <|2|>\nb = <|2|>\n")
    assert sampled.exit_code == 0, sampled.output
    assert "the standard input is one text with several gaps" in sampled.output
    assert "tmp" not in sampled.output


def test_model_with_a_name_is_loaded_with_its_task_and_heads():
    model = ad.load("sudoku-6x6")
    assert model.task.name == "sudoku_6x6"
    assert {"quality", "halting", "cost_aware"} <= set(model.heads)


def test_workers_find_a_model_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "queries.txt").write_text("123456456123231564564231312645.45312\n")
    job = QueryJob(Path("sudoku-6x6"), tmp_path / "queries.txt", engine=Here())
    ((row,), _) = evaluate_file(job, ["learned"])
    assert (row["correct"], row["nfe_mean"]) == (1, 1)


def test_what_is_on_the_disk_comes_before_a_model_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sudoku-6x6").mkdir()
    (tmp_path / "sudoku-6x6/model.safetensors").touch()
    assert checkpoint_file("sudoku-6x6").resolve() == tmp_path / "sudoku-6x6/model.safetensors"


def test_name_below_an_existing_folder_is_not_looked_up_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "quickstart").mkdir(parents=True)
    with pytest.raises(ValueError, match="no file or folder runs/quikstart; the nearest is runs/quickstart"):
        checkpoint_file("runs/quikstart")


def test_settings_of_a_sampler_are_compared_on_a_model_with_a_name(tmp_path):
    (tmp_path / "queries.txt").write_text("..3456456123231564564231312645645312\n")
    settings = ("sampler=cost_aware", "halting.price=0.01,0.05")
    where = ("--queries", str(tmp_path / "queries.txt"), "--folder", str(tmp_path / "sweep"), "--workers", "1")
    done = CliRunner().invoke(app, ["ablate", "sudoku-6x6", *settings, *where, "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert [row["setting"][-1] for row in rows] == ["halting.price=0.01", "halting.price=0.05"]
    assert all(row["correct"]["value"] == 1 for row in rows)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("sudoku-6x6", True), ("owner/name", True), ("quickstart", False), ("runs/quikstart", False)],
)
def test_names_of_models_are_known(tmp_path, monkeypatch, name, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    assert names_a_model(name) is expected
