"""Files of text with gaps, and the task data."""

import gzip
import json

import numpy as np
import pytest
import torch

from adaptive_diffusion.tasks.text import TextDataModule, TextTask
from adaptive_diffusion.tasks.text.checkers import parses_python
from adaptive_diffusion.tasks.text.corpora import TextFiles
from adaptive_diffusion.tasks.text.holes import PythonFunctions
from adaptive_diffusion.tasks.text.infilling_problems import passage
from adaptive_diffusion.tasks.text.packing import OneEach

TASK = TextTask(32)


def test_marks_are_open_tokens(tmp_path):
    (tmp_path / "one.txt").write_text("def <|4|>(x):\n  <|3|>")
    found = TASK.read(tmp_path / "one.txt", False).problems
    queries = TASK.queries(found)
    shown = "".join(
        "_" if open_ else chr(token) for token, open_ in zip(found.tokens[0], found.editable[0], strict=True)
    )
    assert shown.startswith("def ____(x):\n  ___")
    assert int(queries.editable.sum()) == 7
    assert TASK.targets(found) is None


def test_json_lines_hold_a_text_each(tmp_path):
    lines = [json.dumps({"text": "a<|2|>"}), json.dumps({"text": "no mark"}), "{"]
    (tmp_path / "many.jsonl").write_text("\n".join(lines))
    with pytest.raises(ValueError, match="line 2: nothing is open"):
        TASK.read(tmp_path / "many.jsonl", False)
    file = TASK.read(tmp_path / "many.jsonl", True)
    assert len(file.problems) == 1
    assert len(file.skipped) == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a" * 40 + "<|1|>", "does not fit a sequence of 32"),
        ("<|0|>", "at least 1"),
        ("<|999999|>", "at most 32"),
        ("a <|2|> <|*|>", r"'<\|\*\|>' marks no gap; write a number of tokens alone, such as"),
        ("a <|12 |>", r"'<\|12 \|>' marks no gap"),
    ],
)
def test_text_that_cannot_be_used_is_refused_with_the_reason(tmp_path, text, sentence):
    (tmp_path / "bad.txt").write_text(text)
    with pytest.raises(ValueError, match=sentence):
        TASK.read(tmp_path / "bad.txt", False)


def test_a_row_is_shown_without_its_padding_and_with_its_ends():
    tokens = torch.tensor([97, 256, 98, 256, 256, 256])
    assert TASK.decode(tokens) == "a␃b␃"


@pytest.fixture
def data(tmp_path):
    for number in range(60):
        (tmp_path / f"{number}.txt").write_text(f"document number {number} of sixty\n" * 3)
    return TextDataModule(32, TextFiles([str(tmp_path)]), batch_size=4, evaluation_windows=5)


def test_training_windows_depend_on_seed_and_number_alone(data):
    windows = data.training(0, 8)
    assert (data.training(4, 4).tokens == windows.tokens[4:]).all()
    assert len(np.unique(windows.tokens, axis=0)) == 8
    assert windows.editable.all()


def test_padding_of_a_training_window_is_not_editable(data):
    data.packing = OneEach()
    windows = data.training(0, 30)
    padding = ~windows.editable
    assert padding.any()
    assert (windows.tokens[padding] == 256).all()
    held_out = b"".join(document.text for document in data.collection.splits["validation"])
    assert data.bytes_of(data.windows("validation")) <= len(held_out)


def test_text_without_reference_and_checker_has_no_figures(tmp_path):
    (tmp_path / "one.txt").write_text("def <|4|>(x):\n  <|3|>")
    found = TASK.read(tmp_path / "one.txt", False).problems
    grades = TASK.grades(torch.from_numpy(found.tokens), found)
    assert all(grades[name].isnan().all() for name in ("correct", "exact", "valid", "score"))


def test_hole_filled_with_white_space_or_nothing_is_not_valid():
    text = np.frombuffer(b"x = yyy\n", np.uint8).astype(np.int64)
    problem = passage([(text[:4], False), (text[4:7], True), (text[7:], False)], 32, 256, scope=(0, 8))
    task = TextTask(32, checker=parses_python)
    answers = torch.from_numpy(problem.tokens).repeat(3, 1)
    answers[1, 4:7] = 32
    answers[2, 4:7] = 256
    grades = task.grades(answers, problem.take(torch.zeros(3, dtype=torch.int64)))
    assert grades["valid"].tolist() == [1, 0, 0]
    assert grades["exact"].tolist() == [1, 0, 0]


def test_windows_for_evaluation_are_held_out_and_limited(data):
    windows = data.windows("test")
    assert len(windows) <= 5
    texts = b"".join(document.text for document in data.collection.splits["test"])
    assert data.task.tokenizer.decode(windows.tokens[0].tolist()) in texts


def test_facts_describe_the_data(data):
    facts = data.facts()
    assert len(facts["corpus_sha256"]) == 64
    assert set(facts["bytes"]) == {"train", "validation", "test"}


def test_sizes_below_one_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        TextDataModule(0)


def test_texts_of_any_bytes_are_shown_again():
    tokens = np.frombuffer(bytes(range(32)), np.uint8)
    assert TASK.decode(torch.from_numpy(tokens.astype(np.int64))) == bytes(range(32)).decode()


def write_rows(path, rows):
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_rows_of_humaneval_infilling_are_read_and_those_that_do_not_fit_are_counted(tmp_path):
    row = {"prompt": "def f(x):\n", "suffix": "\n", "canonical_solution": "  return x"}
    long = {**row, "prompt": "#" * 40}
    file = TASK.read(write_rows(tmp_path / "rows.jsonl", [row, long, long]), False)
    assert len(file.problems) == 1
    assert TASK.tokenizer.decode(file.problems.tokens[0][file.problems.editable[0]].tolist()) == b"  return x"
    assert file.notes == ("2 of 3 infilling problems do not fit 32 tokens and are left out; the longest has 51.",)
    grades = TextTask(32, checker=parses_python).grades(torch.from_numpy(file.problems.tokens), file.problems)
    assert (grades["exact"].item(), grades["valid"].item()) == (1, 1)
    with pytest.raises(ValueError, match="holds no text that can be used; 1 of 1 infilling problems do not fit"):
        TASK.read(write_rows(tmp_path / "long.jsonl", [long]), False)


def test_tokens_and_operators_that_resemble_marks_are_text(tmp_path):
    (tmp_path / "one.txt").write_text("<|end|> x <||> y <|2|>")
    assert int(TASK.queries(TASK.read(tmp_path / "one.txt", False).problems).editable.sum()) == 2


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{bad", r"line 1: it is no JSON \(.*\); write"),
        ("[1]", "line 1: it is no JSON object; write"),
        ('{"text": 5}', "line 1: 'text' is 5, which is no text; write"),
    ],
)
def test_line_that_is_no_object_with_a_text_is_refused_with_the_reason(tmp_path, line, sentence):
    (tmp_path / "bad.jsonl").write_text(line)
    with pytest.raises(ValueError, match=sentence):
        TASK.read(tmp_path / "bad.jsonl", False)


@pytest.mark.parametrize("missing", ["prompt", "canonical_solution"])
def test_field_that_a_row_misses_is_named(tmp_path, missing):
    row = {"prompt": "a", "suffix": "b", "canonical_solution": "c"}
    del row[missing]
    with pytest.raises(ValueError, match=f"line 1: there is no text under '{missing}', the fields are .*suffix"):
        TASK.read(write_rows(tmp_path / "rows.jsonl", [row]), False)


def test_text_per_line_is_named_by_the_file_or_the_task(tmp_path):
    content = "one <|2|>\n\ntwo <|3|>\n"
    for name in ("q.txt", "q.lines", "q.lines.txt"):
        (tmp_path / name).write_text(content)
    (tmp_path / "q.txt.gz").write_bytes(gzip.compress(content.encode()))
    one = TASK.read(tmp_path / "q.txt", False)
    assert len(one.problems) == 1
    assert "one text with several gaps" in one.notes[0]
    assert len(TASK.read(tmp_path / "q.txt.gz", False).problems) == 1
    for task, name in ((TASK, "q.lines"), (TASK, "q.lines.txt"), (TextTask(32, lines=True), "q.txt")):
        file = task.read(tmp_path / name, False)
        assert file.problems.editable.sum(1).tolist() == [2, 3]
        assert file.notes == ()


def test_checker_grades_texts_and_an_unreadable_one_scores_nothing(tmp_path):
    (tmp_path / "one.txt").write_text("n = <|2|>")
    task = TextTask(32, checker=lambda text: 1 / len(text.split("=")[1]))
    problem = task.read(tmp_path / "one.txt", False).problems
    answers = torch.from_numpy(problem.tokens).repeat(2, 1)
    answers[0, 4:6] = torch.tensor([*b"12"])
    answers[1, 4:6] = torch.tensor([0xC3, ord("1")])  # no UTF-8
    grades = task.grades(answers, problem.take(torch.zeros(2, dtype=torch.int64)))
    assert grades["score"].tolist() == pytest.approx([1 / 3, 0])
    assert grades["exact"].isnan().all()
    with pytest.raises(ValueError, match="a score is a number in 0..1"):
        TextTask(32, checker=lambda text: 2.0).grades(answers, problem.take(torch.zeros(2, dtype=torch.int64)))


def test_share_of_right_tokens_is_a_column(tmp_path):
    text = np.frombuffer(b"x = yyyy", np.uint8).astype(np.int64)
    problem = passage([(text[:4], False), (text[4:], True)], 32, 256)
    answers = torch.from_numpy(problem.tokens).clone()
    answers[0, 5] = 0
    assert TASK.grades(answers, problem)["token_accuracy"].tolist() == [0.75]


def test_headline_that_cannot_decide_is_refused():
    with pytest.raises(ValueError, match="not 'best'"):
        TextTask(32, headline="best")
    with pytest.raises(ValueError, match="headline valid needs a checker"):
        TextTask(32, headline="valid")


def test_corpus_is_named_by_its_path(tmp_path):
    (tmp_path / "smiles.txt").write_text("".join(f"C{'C' * (n % 20)}O{n}\n" for n in range(300)))
    lines = TextDataModule(64, str(tmp_path / "smiles.txt"), lines=True)
    windows = lines.training(0, 20)
    assert ((windows.tokens == 256) & windows.editable).sum(1).tolist() == [1] * 20
    packed = TextDataModule(64, str(tmp_path / "smiles.txt")).training(0, 20)
    assert packed.editable.all()


def test_check_counts_documents_and_problems_and_names_what_is_not_measured(data):
    first, *more = data.check()
    assert first.startswith("documents: ")
    assert "of the kind 'span'" in first
    assert any("Validity is not measured, because no checker is named" in note for note in more)
    assert any("fewer than the 500 wanted" in note for note in more)


def test_check_refuses_what_would_fail_after_the_trainings(data):
    data.problems = (PythonFunctions(),)
    with pytest.raises(ValueError, match="no infilling problem of PythonFunctions can be made"):
        data.check()


def test_check_tests_the_checker_on_reference_texts(tmp_path):
    for number in range(60):
        (tmp_path / f"{number}.txt").write_text(f"document number {number} of sixty\n" * 3)
    settings = {"corpus": str(tmp_path), "test_problems": 4}
    with pytest.raises(ValueError, match="grades not one reference text of the test problems as right"):
        TextDataModule(32, checker="parses_python", **settings).check()
    found = TextDataModule(32, checker=lambda text: "1" in text, **settings).check()
    assert "of 4 reference texts of the test problems are not right by the checker" in found[-1]
    with pytest.raises(ValueError, match="there is no checker 'compiles'; name one of parses_python"):
        TextDataModule(32, checker="compiles")


def test_window_that_no_text_fills_is_refused_before_training(tmp_path):
    for number in range(60):
        (tmp_path / f"{number}.txt").write_text(f"document {number} of sixty\n")
    with pytest.raises(ValueError, match="tokens do not fill a window of 5000"):
        TextDataModule(5_000, str(tmp_path)).check()
