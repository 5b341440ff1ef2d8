"""Prompts from every source, split, in sequences, without end."""

import gzip
import json
import sys

import numpy as np
import pytest
import torch

from adaptive_diffusion.config import compose_part, instantiate
from adaptive_diffusion.tasks.prompts import PromptData
from adaptive_diffusion.tasks.prompts.sources import HuggingFacePrompts, PromptFile, ReasoningGym

ROWS = [
    {"prompt": f"{a}+{b}=", "answer": str(a + b), "carry": int(a % 10 + b % 10 > 9)}
    for a in range(10, 40)
    for b in range(10, 40)
]


@pytest.fixture
def path(tmp_path):
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    return tmp_path / "rows.jsonl"


def data_of(path, **settings):
    return PromptData(str(path), **{"length": 12, "answer_length": 4, "difficulty": "carry"} | settings)


def test_sequence_is_prompt_answer_end_and_padding(path):
    data = data_of(path)
    prompts = data.training(0, 1)
    [row] = prompts.row
    text = row["prompt"] + row["answer"]
    assert prompts.tokens[0].tolist() == [*text.encode(), *[256] * (12 - len(text))]
    begin = len(row["prompt"])
    assert np.flatnonzero(prompts.editable[0]).tolist() == [*range(begin, begin + 4)]
    assert data.task.decode(torch.from_numpy(prompts.tokens[0])) == f"{text}␃"


def test_answers_of_one_length_need_no_end(path):
    data = data_of(path, answer_length=2, ends=False)
    assert data.task.grades(data.task.targets(data.test), data.test)["correct"].all()
    with pytest.raises(ValueError, match="has 2 tokens; without an end token every answer has 3"):
        data_of(path, answer_length=3, ends=False).training(0, 1)


@pytest.mark.parametrize("ending", ["jsonl", "csv", "tsv", "jsonl.gz", "csv.gz"])
def test_files_of_every_form_give_the_same_prompts(path, ending):
    delimiter = "\t" if "tsv" in ending else ";"
    table = "\n".join([delimiter.join(ROWS[0]), *(delimiter.join(map(str, row.values())) for row in ROWS)])
    content = (path.read_text() if "jsonl" in ending else table).encode()
    other = path.parent / f"other.{ending}"
    other.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    assert (data_of(other).training(0, 50).tokens == data_of(path).training(0, 50).tokens).all()
    assert data_of(other).task.difficulty(data_of(other).test)["carry"].unique().tolist() == [0, 1]


def test_each_prompt_is_in_one_split_whatever_stands_beside_it(path):
    parts = {name: {row["prompt"] for row in part.row} for name, part in data_of(path).split.parts.items()}
    assert sum(map(len, parts.values())) == len(set.union(*parts.values())) == len(ROWS)
    assert 40 < len(parts["test"]) < 140
    path.write_text("\n".join(map(json.dumps, [*ROWS[::-1], *ROWS[:100], {**ROWS[0], "prompt": "1+1="}])))
    again = {name: {row["prompt"] for row in part.row} for name, part in data_of(path).split.parts.items()}
    assert all(parts[name] == again[name] - {"1+1="} for name in parts)


def test_prompts_of_a_held_out_file_are_not_trained_on(path, tmp_path):
    (tmp_path / "test.csv").write_text("prompt,answer,carry\n10+10=,20,0\n99+99=,198,1\n")
    data = data_of(path, test_path=str(tmp_path / "test.csv"))
    assert [row["prompt"] for row in data.test.row] == ["10+10=", "99+99="]
    assert "10+10=" not in {row["prompt"] for part in ("train", "validation") for row in data.split.parts[part].row}
    assert any("training has none of them" in sentence for sentence in data.check())


def test_training_takes_every_prompt_once_in_a_round_and_each_by_its_number(path):
    data = data_of(path)
    count = len(data.split.parts["train"])
    first, second = ([row["prompt"] for row in data.training(start, count).row] for start in (0, count))
    assert sorted(first) == sorted(second) == sorted(row["prompt"] for row in data.split.parts["train"].row)
    assert first != second
    assert [row["prompt"] for row in data.training(count - 3, 6).row] == first[-3:] + second[:3]
    assert [row["prompt"] for row in data_of(path, seed=1).training(0, count).row] != first


def test_check_counts_prompts_and_references_that_the_checker_refuses(path):
    assert data_of(path).check()[0].startswith("prompts: ")
    assert len(data_of(path).check()) == 1
    odd = data_of(path, checker=lambda answer, row: int(answer) % 2)
    assert "reference answers of the test prompts are not right by the checker" in odd.check()[-1]
    with pytest.raises(ValueError, match="grades no reference answer as right"):
        data_of(path, checker=lambda answer, row: 0.5).check()


def test_prompts_that_do_not_fit_are_counted_with_the_size_that_would_hold_them(path):
    path.write_text("\n".join(map(json.dumps, [*ROWS, *({**ROWS[0], "prompt": "?" * 20 + str(n)} for n in range(99))])))
    notes = data_of(path).check()
    assert any(
        "train: " in note and "do not fit 12 tokens with 4 for the answer and are left out" in note for note in notes
    )
    assert any("task.length=26 and task.answer_length=4" in note for note in notes)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"prompt": "1+1="}, "no column 'answer'; the columns are prompt; rename one, or name it: task.answer="),
        ({}, "the row is empty; give it the column 'prompt', or leave the row out"),
        ({"prompt": "1+1=", "answer": None, "carry": 0}, "the column 'answer' holds None instead of a text"),
        ({"prompt": ["a"], "answer": "2", "carry": 0}, r"the column 'prompt' holds \['a'\] instead of a text"),
        ({"prompt": "1+1=", "answer": "2"}, "no column 'carry' for the difficulty"),
        ({"prompt": "1+1=", "answer": "2", "carry": "easy"}, "'carry' holds 'easy' instead of a number"),
    ],
)
def test_row_that_cannot_be_trained_on_is_named(path, row, sentence):
    path.write_text("\n".join(map(json.dumps, [*ROWS, row])))
    with pytest.raises(ValueError, match=f"rows.jsonl, line 901: .*{sentence}"):
        data_of(path).check()


def test_lines_that_hold_no_row_are_named(path):
    path.write_text('{"prompt": "a"\n[1]\n' + "[" * 100_000)
    with pytest.raises(ValueError, match="line 1: this is no JSON object(.|\n)*line 2: (.|\n)*line 3: "):
        data_of(path).check()
    (path.parent / "bad.csv").write_text("prompt,answer\na,b,c\n")
    with pytest.raises(ValueError, match="line 2: it has 3 cells, the header has 2"):
        data_of(path.parent / "bad.csv").check()


def test_file_that_is_missing_or_of_another_kind_is_named(path):
    with pytest.raises(ValueError, match="there is no file missing.jsonl; give a text file"):
        data_of("missing.jsonl").check()
    with pytest.raises(ValueError, match="'rows.txt' is no file of prompts: its name must end in .jsonl, .csv, .tsv"):
        data_of("rows.txt")
    with pytest.raises(ValueError, match="give a file of prompts"):
        PromptData()
    path.write_text(json.dumps(ROWS[0]))
    with pytest.raises(ValueError, match="(train|validation|test) has no prompts"):
        data_of(path).check()


def test_queries_may_have_no_answers_and_are_then_not_graded(path):
    path.write_text('{"prompt": "1+2="}\n{"prompt": "1+3=", "answer": 4}\n' + json.dumps({"prompt": "?" * 50}))
    task = data_of(path).task
    file = task.read(path, False)
    assert [row["answer"] for row in file.problems.row] == [None, "4"]
    assert len(file.notes) == 2
    assert "1 of 3 prompts do not fit 12 tokens" in file.notes[0]
    assert "1 of 2 prompts have no answer" in file.notes[1]
    assert task.targets(file.problems) is None
    answers = torch.from_numpy(file.problems.tokens)
    assert task.grades(answers, file.problems)["correct"].nan_to_num(-1).tolist() == [-1, 1]
    assert task.difficulty(file.problems)["carry"].isnan().all()


def test_bad_queries_are_skipped_on_request_only(path):
    path.write_text('{"prompt": "1+2="}\n{"question": "1+3="}\nnothing\n')
    task = data_of(path).task
    with pytest.raises(ValueError, match="`--skip-bad` goes on without them"):
        task.read(path, False)
    file = task.read(path, True)
    assert (len(file.problems), len(file.skipped)) == (1, 2)
    path.write_text("{}")
    with pytest.raises(ValueError, match="holds no prompt that can be used"):
        task.read(path, True)


def test_answer_is_graded_up_to_its_first_end(path):
    data = data_of(path, checker="numeric")
    one = data.test.take(slice(0, 1))
    begin = int(one.editable[0].argmax())
    answers = data.task.targets(one).repeat(4, 1)
    answers[1, begin : begin + 4] = torch.tensor([*one.row[0]["answer"].encode(), 256, 65])
    answers[2, begin : begin + 4] = torch.tensor([256, 256, 256, 256])
    answers[3, 0] = 65  # not the prompt that was given
    grades = data.task.grades(answers, one.take(torch.zeros(4, dtype=torch.int64)))
    assert grades["correct"].tolist() == [1, 1, 0, 0]
    assert grades["exact"].tolist() == [1, 1, 0, 0]
    assert grades["token_accuracy"].tolist() == pytest.approx([1, 0.75, 0.5, 1])


def test_checker_of_a_user_is_named_in_the_config(path, monkeypatch, tmp_path):
    (tmp_path / "own_checkers.py").write_text(
        "def close(answer, row):\n    return 1 - abs(int(answer) - int(row['answer'])) / 100\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_checkers", raising=False)
    node = compose_part("task", "prompts")
    node.path, node.seed, node.length = str(path), 0, 12
    node.answer_length = 4
    node.checker = {"_target_": "own_checkers.close", "_partial_": True}
    data = instantiate(node, allow=["own_checkers"])
    one = data.test.take(slice(0, 1))
    answers = data.task.targets(one)
    assert data.task.score(answers, one).tolist() == [1]
    answers[0, int(one.editable[0].argmax()) + 1] ^= 1  # the last digit, one off
    assert data.task.score(answers, one).tolist() == pytest.approx([0.99])
    with pytest.raises(ValueError, match="--allow-module own_checkers"):
        instantiate(node)


def test_hugging_face_data_set_with_other_columns(path, tmp_path):
    datasets = pytest.importorskip("datasets")
    folder = tmp_path / "folder"
    folder.mkdir()
    rows = [{"question": row["prompt"], "answer": row["answer"], "when": "today"} for row in ROWS]
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    datasets.disable_progress_bars()
    data = PromptData(source=HuggingFacePrompts(str(folder)), prompt="question", length=12, answer_length=4)
    assert (data.training(0, 9).tokens == data_of(path, difficulty=()).training(0, 9).tokens).all()
    with pytest.raises(ValueError, match="no column 'query'; the columns are question, answer"):
        PromptData(source=HuggingFacePrompts(str(folder)), prompt="query").check()
    with pytest.raises(ValueError, match="with the split 'nothing' cannot be loaded"):
        PromptData(source=HuggingFacePrompts(str(folder), "nothing")).check()
    rows[4]["answer"] = None
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(ValueError, match="row 4: the column 'answer' holds None instead of a text"):
        PromptData(source=HuggingFacePrompts(str(folder)), prompt="question").check()


def test_generator_of_reasoning_gym_with_its_difficulty():
    pytest.importorskip("reasoning_gym")
    source = ReasoningGym("basic_arithmetic", 300, settings={"max_terms": 3})
    node = compose_part("task", "prompts_reasoning_gym")
    node.seed, node.source.generator, node.source.size, node.difficulty = 0, "basic_arithmetic", 300, ["num_terms"]
    node.length, node.answer_length, node.source.settings = 96, 16, {"max_terms": 3}
    data = instantiate(node)
    assert {row["prompt"] for row in data.test.row} <= {row["prompt"] for _, row in source.rows()}
    assert data.task.difficulty(data.test)["num_terms"].unique().tolist() == [2, 3]
    assert data.task.correct(data.task.targets(data.test), data.test).all()
    with pytest.raises(ValueError, match="reasoning-gym cannot make 'nothing'"):
        list(ReasoningGym("nothing").rows())
    with pytest.raises(ValueError, match="reasoning-gym cannot make 'basic_arithmetic'.*max_term"):
        list(ReasoningGym("basic_arithmetic", settings={"max_term": 1}).rows())


def test_records_are_stored_and_restored(path):
    prompts = data_of(path).training(0, 3)
    again = prompts.blank().restored(prompts.state_dict())
    assert (again.row == prompts.row).all()
    assert (again.put(torch.tensor([0]), prompts.take(torch.tensor([2]))).tokens[0] == prompts.tokens[2]).all()


def test_source_facts_name_file_and_hash(path):
    facts = data_of(path).facts()
    assert facts["path"] == str(path)
    assert len(facts["prompts_sha256"]) == 64
    assert sum(facts["prompts"].values()) == len(ROWS)
    assert PromptFile(str(path)).facts()["source"] == "PromptFile"


def test_row_that_is_not_utf8_is_a_bad_row(tmp_path):
    path = tmp_path / "latin.jsonl"
    path.write_bytes('{"prompt": "2+é=", "answer": "3"}\n{"prompt": "2+1=", "answer": "3"}\n'.encode("latin-1"))
    bad = []
    assert [row["prompt"] for _, row in PromptFile(str(path)).readable(bad)] == ["2+1="]
    assert bad == [f"{path}, line 1: holds bytes that are not UTF-8; save the file as UTF-8"]
