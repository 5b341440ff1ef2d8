"""Files of text with open places, and the data module."""

import json

import numpy as np
import pytest
import torch

from adaptive_diffusion.tasks.text import TextDataModule, TextTask
from adaptive_diffusion.tasks.text.corpora import TextFiles
from adaptive_diffusion.tasks.text.infilling_problems import passage
from adaptive_diffusion.tasks.text.packing import OneEach

TASK = TextTask(32)


def test_marks_are_open_tokens(tmp_path):
    (tmp_path / "one.txt").write_text("def <|4|>(x):\n  <|3|>")
    asked = TASK.read(tmp_path / "one.txt", False).problems
    queries = TASK.queries(asked)
    shown = "".join(
        "_" if open_ else chr(token) for token, open_ in zip(asked.tokens[0], asked.editable[0], strict=True)
    )
    assert shown.startswith("def ____(x):\n  ___")
    assert int(queries.editable.sum()) == 7
    assert TASK.targets(asked) is None


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
    [("a" * 40 + "<|1|>", "does not fit a sequence of 32"), ("<|0|>", "at least 1"), ("<|999999|>", "at most 32")],
)
def test_a_text_that_cannot_be_asked_says_why(tmp_path, text, sentence):
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


def test_text_without_reference_and_scope_has_no_figures(tmp_path):
    (tmp_path / "one.txt").write_text("def <|4|>(x):\n  <|3|>")
    asked = TASK.read(tmp_path / "one.txt", False).problems
    grades = TASK.grades(torch.from_numpy(asked.tokens), asked)
    assert all(grades[name].isnan().all() for name in ("correct", "exact", "valid", "score"))


def test_hole_filled_with_white_space_or_nothing_is_not_valid():
    text = np.frombuffer(b"x = yyy\n", np.uint8).astype(np.int64)
    problem = passage([(text[:4], False), (text[4:7], True), (text[7:], False)], 32, 256, scope=(0, 8))
    answers = torch.from_numpy(problem.tokens).repeat(3, 1)
    answers[1, 4:7] = 32
    answers[2, 4:7] = 256
    grades = TASK.grades(answers, problem.take(torch.zeros(3, dtype=torch.int64)))
    assert grades["valid"].tolist() == [1, 0, 0]
    assert grades["exact"].tolist() == [1, 0, 0]


def test_windows_for_evaluation_are_held_out_and_limited(data):
    windows = data.windows("test")
    assert len(windows) <= 5
    texts = b"".join(document.text for document in data.collection.splits["test"])
    assert data.task.tokenizer.decode(windows.tokens[0].tolist()) in texts


def test_the_facts_say_what_the_data_is(data):
    facts = data.facts()
    assert len(facts["corpus_sha256"]) == 64
    assert set(facts["bytes"]) == {"train", "validation", "test"}


def test_sizes_below_one_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        TextDataModule(0)


def test_texts_of_random_bytes_survive_the_sequence():
    tokens = np.frombuffer(bytes(range(32)), np.uint8)
    assert TASK.decode(torch.from_numpy(tokens.astype(np.int64))) == bytes(range(32)).decode()
