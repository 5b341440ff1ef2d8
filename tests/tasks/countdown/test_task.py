"""Countdown: files of problems, the board and its difficulties."""

import json

import pytest
import torch
from file_readers import read_or_refused
from hypothesis import given, settings
from hypothesis import strategies as st

from adaptive_diffusion.tasks.countdown import CountdownProblems, CountdownTask, Limits
from adaptive_diffusion.tasks.countdown.generator import generate
from adaptive_diffusion.tasks.countdown.notation import parse

TASK = CountdownTask(Limits(4))
EXAMPLE = {"input": "86,28,13,31,96", "output": "86+28=114,31-13=18,114-18=96"}
PROBLEM = ((86, 28, 13, 31), 96)


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(EXAMPLE),
        json.dumps({"input": "86,28,13,31", "output": EXAMPLE["output"]}),
        json.dumps({"input": "86 28 13 31", "output": "96"}),
        json.dumps({"input": "86,28,13,31,96"}),
        json.dumps({"nums": [86, 28, 13, 31], "target": 96}),
        json.dumps({"numbers": ["86", "28", "13", "31"], "target": "96", "solution": EXAMPLE["output"].split(",")}),
        json.dumps({"input": [86, 28, 13, 31, 96], "output": None}),
        "86,28,13,31,96",
        "86 28 13 31 96",
    ],
)
def test_forms_of_a_line_give_the_same_problem(line):
    entry = parse(line, 4)
    assert (entry.numbers, entry.target) == PROBLEM


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{not JSON", "this is no JSON object"),
        ('{"text": "a"}', "there are no numbers, its fields are 'text'; write"),
        ("1,2,3", "3 numbers, where 4 numbers and a target are needed"),
        ('{"nums": [1, 2, 3, 4]}', "there are 4 numbers and no target; add it"),
        ('{"nums": [1, 2, 3, 4, 10], "target": 9}', "is 10, but the target is 9; make the two agree, or leave one out"),
        ("1,2,-3,4,10", "'-3' is no whole number"),
        ("1,2,true,4,10", "'true' is no whole number"),
        ('{"nums": {"a": 1}, "target": 9}', "are no numbers"),
        ("1,2,3,4,5000", "5000 is larger than 999"),
        ("0,2,3,4,10", "a number is 0; numbers begin at 1"),
        ("1,1,1,1,90", "90 cannot be reached from 1, 1, 1, 1"),
        ('{"input": "86,28,13,31,96", "output": "86+28=115"}', "86+28=115 is false; correct it"),
        ('{"input": "86,28,13,31,96", "output": "86&28=115"}', "'86&28=115' is no equation; write"),
        ('{"input": "86,28,13,31,96", "output": "86+28=114"}', "the last number is 96, but the target is 114"),
        ('{"nums": [86,28,13,31], "target": 114, "output": "86+28=114"}', "1 equations, where 4 numbers need 3"),
        (json.dumps(EXAMPLE | {"output": "86+28=114,31-13=18,78+18=96"}), "do not use every number once"),
    ],
)
def test_bad_line_is_named_with_reason_and_skipped_on_demand(tmp_path, line, reason):
    path = tmp_path / "problems.jsonl"
    path.write_text(json.dumps(EXAMPLE) + "\n\n" + line + "\n")
    with pytest.raises(ValueError, match="line 3: ") as caught:
        TASK.read(path, skip_bad=False)
    assert reason in str(caught.value)
    file = TASK.read(path, skip_bad=True)
    assert len(file.problems) == len(file.skipped) == 1


def test_derivation_of_a_file_is_the_reference(tmp_path):
    path = tmp_path / "problems.jsonl"
    path.write_text(json.dumps(EXAMPLE) + "\n" + '{"nums": [9, 7, 3, 1], "target": 20}\n')
    problems = TASK.read(path, skip_bad=False).problems
    assert problems.equations[0].tolist() == [[86, 0, 28, 114], [31, 1, 13, 18], [114, 1, 18, 96]]
    assert problems.numbers.tolist() == [[86, 31, 28, 13], [9, 7, 3, 1]]
    grades = TASK.grades(TASK.targets(problems), problems)
    assert grades["valid"].tolist() == grades["exact"].tolist() == [1, 1]


def test_reference_with_a_zero_divided_stays_a_right_answer(tmp_path):
    path = tmp_path / "problems.jsonl"
    path.write_text('{"nums": [5, 5, 7, 12], "target": 12, "output": "5-5=0,0/7=0,0+12=12"}\n')
    problems = TASK.read(path, skip_bad=False).problems
    grades = TASK.grades(TASK.targets(problems), problems)
    assert grades["valid"].tolist() == grades["exact"].tolist() == [1]


def test_file_without_a_problem_is_an_error(tmp_path):
    path = tmp_path / "problems.jsonl"
    path.write_text("\n")
    with pytest.raises(ValueError, match="holds no problem"):
        TASK.read(path, skip_bad=True)


def test_board_opens_equations_and_gives_numbers_and_target():
    limits = Limits(3, 30, 10, 100, 199)
    task, problems = CountdownTask(limits), generate(limits, 5)
    queries = task.queries(problems)
    assert task.length == 15
    assert queries.editable[0].view(3, 5).long().tolist() == [[0] * 5, [1, 1, 1, 0, 1], [1, 1, 1, 0, 0]]
    assert torch.equal(queries.tokens[:, -1], problems.target)
    assert torch.equal(queries.tokens[:, :3], problems.numbers)
    assert task.positions[-1].tolist() == [2, 4]


def test_decoded_board_reads_as_equations():
    equations = parse(json.dumps(EXAMPLE), 4).equations
    problems = CountdownProblems(*map(torch.tensor, ([[86, 31, 28, 13]], [96], [equations])))
    tokens = TASK.targets(problems)[0]
    assert TASK.decode(tokens).splitlines() == ["86 31 28 13", "86 + 28 = 114", "31 − 13 = 18", "114 − 18 = 96"]
    tokens[5] = TASK.vocabulary
    assert TASK.decode(tokens).splitlines()[1] == "? + 28 = 114"


def test_difficulties_are_the_search_and_the_number_of_derivations():
    problems = generate(Limits(4), 50)
    found = TASK.difficulty(problems)
    assert list(found) == [measure.name for measure in TASK.difficulties]
    assert (found["derivations"] >= 1).all()
    assert (found["tried"] >= 3).all()


VALUES = st.sampled_from(
    [None, True, -1, 2.5, "9", 9, 96, [9, 7, 3, 1], [9, 7, 3, 1, 20], "9,7,3,1", "9+7=16", ["9-7=2"]]
)
ROWS = st.dictionaries(st.sampled_from(["input", "nums", "target", "output", "solution"]), VALUES).map(json.dumps)


@settings(deadline=None, max_examples=100)
@given(content=st.text(alphabet='{}[]":,1234+-=\n', max_size=60) | ROWS | st.binary(max_size=40))
def test_any_content_is_read_or_refused(tmp_path_factory, content):
    read_or_refused(TASK, tmp_path_factory.mktemp("any") / "problems.jsonl", content)
