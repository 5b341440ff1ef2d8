"""The ports for tasks and data, on a task as small as they come: copy a digit."""

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor

from adaptive_diffusion.core.measures import AnswerMeasure, Difficulty
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rows import Rows
from adaptive_diffusion.tasks.data import TaskData
from adaptive_diffusion.tasks.fit import check_task
from adaptive_diffusion.tasks.task import Correctness, QueryFile, Task


@dataclass(frozen=True)
class Digits(Rows):
    value: Tensor

    def __len__(self) -> int:
        return len(self.value)


class Copying(Task):
    """The first position is given, the second shall repeat it."""

    name, length, vocabulary = "copying", 2, 10
    difficulties = (Difficulty("value", "the digit"),)

    def queries(self, problems):
        tokens = torch.stack([problems.value, torch.full_like(problems.value, 10)], 1)
        return Queries.of(tokens, torch.tensor([[False, True]]).expand(len(problems), 2))

    def verify(self, answers, problems):
        return Correctness(exact=answers[:, 1] == problems.value, valid=answers[:, 0] == problems.value)

    def targets(self, problems):
        return problems.value[:, None].expand(-1, 2)

    def difficulty(self, problems):
        return {"value": problems.value}

    def read(self, path: Path, skip_bad: bool) -> QueryFile:
        return QueryFile(Digits(torch.tensor([int(line) for line in path.read_text().split()])))

    def decode(self, tokens):
        return " ".join(map(str, tokens.tolist()))


class CopyingData(TaskData):
    task = Copying()

    def training(self, position, count):
        return Digits(torch.arange(position, position + count) % 7)

    def held_out(self, split):
        return Digits(torch.arange(5) + {"validation": 0, "test": 5}[split])


ANSWERS = torch.tensor([[3, 3], [3, 4], [2, 3], [3, -1], [3, 10]])
PROBLEMS = Digits(torch.full((5,), 3))


def test_headline_decides_which_answers_are_correct():
    exact = type("Exactly", (Copying,), {"headline": "exact"})()
    assert Copying().correct(ANSWERS, PROBLEMS).tolist() == [True, True, False, False, False]
    assert exact.correct(ANSWERS, PROBLEMS).tolist() == [True, False, True, False, False]
    assert exact.score(ANSWERS, PROBLEMS).tolist() == [1, 0, 1, 0, 0]


def test_answer_with_an_open_position_is_neither_valid_nor_exact():
    grades = Copying().grades(ANSWERS, PROBLEMS)
    assert grades["valid"].tolist() == [1, 1, 0, 0, 0]
    assert grades["exact"].tolist() == [1, 0, 1, 0, 0]


class Graded(Copying):
    headline = "score"
    columns = (AnswerMeasure("distance", "distance"),)
    low = 0.0

    def verify(self, answers, problems):
        distance = (answers[:, 1] - problems.value).abs().float()
        found = super().verify(answers, problems)
        return replace(found, score=self.low + (1 - distance / 10).clamp(min=0), columns={"distance": distance})


def test_score_of_one_is_correct_and_columns_are_added():
    task = Graded()
    grades = task.grades(ANSWERS, PROBLEMS)
    assert grades["score"].tolist() == pytest.approx([1, 0.9, 1, 0, 0])
    assert grades["correct"].tolist() == [1, 0, 1, 0, 0]
    assert grades["distance"].tolist() == [0, 1, 0, 4, 7]
    assert torch.equal(task.score(ANSWERS, PROBLEMS), grades["score"])


def test_figures_that_nothing_can_decide_are_nan_and_count_as_incorrect():
    class Unjudged(Copying):
        def verify(self, answers, problems):
            known = torch.tensor([True, False, True, False, False])
            return replace(super().verify(answers, problems), has_reference=~known, has_checker=known)

    grades = Unjudged().grades(ANSWERS, PROBLEMS)
    assert grades["valid"].isnan().tolist() == grades["correct"].isnan().tolist() == [False, True, False, True, True]
    assert grades["exact"].isnan().tolist() == [True, False, True, False, False]
    assert Unjudged().correct(ANSWERS, PROBLEMS).tolist() == [True, False, False, False, False]
    assert Unjudged().score(ANSWERS, PROBLEMS).tolist() == [1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"low": 0.5}, "gave scores from 0.* to 1.5; a score lies in 0..1"),
        ({"columns": ()}, r"has columns \[\], but verify gave \['distance'\]"),
        ({"verify": Copying.verify, "columns": ()}, "headline score, but verify gave no score"),
    ],
)
def test_figures_that_break_the_contract_are_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        type("Broken", (Graded,), change)().grades(ANSWERS, PROBLEMS)


def test_defaults_describe_a_line_of_tokens():
    task = Copying()
    assert task.positions.tolist() == [[0], [1]]
    assert task.layout.symbols == ()
    assert (task.headline, task.noun, task.columns) == ("valid", "query", ())


def test_stream_of_each_process_is_its_share_of_the_batches():
    data = CopyingData(batch_size=3)
    every = [batch.value.tolist() for batch in islice(data.train_stream(), 4)]
    assert every == [[0, 1, 2], [3, 4, 5], [6, 0, 1], [2, 3, 4]]
    for part in range(2):
        stream = data.train_stream(part=part, parts=2)
        assert [batch.value.tolist() for batch in islice(stream, 2)] == every[part::2]


def test_batch_has_queries_and_right_answers():
    data = CopyingData(batch_size=3)
    batch = data.batch(data.training(0, 3), first_id=30)
    assert batch.queries.ids.tolist() == [30, 31, 32]
    assert batch.clean.tolist() == [[0, 0], [1, 1], [2, 2]]
    assert batch.take(slice(1, 2)).problems.value.tolist() == [1]


def test_problems_without_targets_cannot_be_trained_on():
    class Untaught(Copying):
        def targets(self, problems):
            return None

    data = CopyingData()
    data.task = Untaught()
    with pytest.raises(ValueError, match="sampled and evaluated but not trained on"):
        data.batch(data.training(0, 3))


def test_held_out_sets_are_made_once_and_cut_into_batches():
    data = CopyingData(evaluation_batch_size=2)
    assert data.test is data.test
    assert [batch.value.tolist() for batch in data.val_dataloader()] == [[0, 1], [2, 3], [4]]
    assert data.stratified_test is None
    assert data.facts() == {}


@pytest.mark.parametrize("name", ["batch_size", "evaluation_batch_size", "threads"])
def test_sizes_below_one_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, not 0"):
        CopyingData(**{name: 0})


BROKEN = {
    "copying has 5 tokens, 0…4, .* from 0 to 6; give the task a vocabulary of 7": {"vocabulary": 5},
    r"tokens has the shape \[16, 2\] for 16 problems; it must be \[16, 3\], because .* length is 3": {"length": 3},
    r"verify\(answers, problems\)\.exact has the shape \[16, 2\] .* must be \[16\]": {
        "verify": lambda self, answers, problems: Correctness(answers >= 0, answers >= 0)
    },
    r"\.exact is torch.float32; it must be torch.bool": {
        "verify": lambda self, answers, problems: Correctness(torch.ones(16), torch.ones(16))
    },
    "verify finds none of 16 right answers correct, .* agree on what is valid": {
        "verify": lambda self, answers, problems: Correctness(answers[:, 0] < 0, answers[:, 0] < 0)
    },
    "declares the difficulty 'value', but difficulty.* gives: other": {
        "difficulty": lambda self, problems: {"other": problems.value}
    },
}


@pytest.mark.parametrize(("sentence", "members"), BROKEN.items(), ids=[*map(str, range(len(BROKEN)))])
def test_task_that_breaks_its_promises_is_refused(sentence, members):
    data = CopyingData()
    data.task = type("Broken", (Copying,), members)()
    with pytest.raises(ValueError, match=sentence):
        check_task(data)


def test_task_that_fits_is_not_refused():
    check_task(CopyingData())


class SingleVerdict(Copying):
    """Its verifier decides once for all answers."""

    def verify(self, answers, problems):
        return Correctness(exact=torch.tensor([True]), valid=torch.tensor([True]))


class NoVerdict(Copying):
    """Its verifier returns what is right and nothing else."""

    def verify(self, answers, problems):
        return answers[:, 1] == problems.value


def test_a_verdict_for_all_answers_together_is_refused():
    problems = Digits(torch.arange(3))
    with pytest.raises(ValueError, match=r"copying: verify.*exact has the shape \[1\] for 3 answers; it must be \[3\]"):
        SingleVerdict().correct(Copying().targets(problems), problems)


def test_a_verifier_that_returns_no_correctness_is_refused_before_a_training():
    class Data(CopyingData):
        task = NoVerdict()

    with pytest.raises(ValueError, match="copying: verify returned a Tensor; it must return a Correctness"):
        check_task(Data())
