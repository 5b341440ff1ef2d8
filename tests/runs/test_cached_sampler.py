"""Answers are kept as they come, and an interruption costs a shard."""

import pytest
import torch
from small_worlds import random_queries, transformer

from adaptive_diffusion.core.state import HaltReason
from adaptive_diffusion.rules.pace import FixedSteps
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.runs.cached_sampler import CachedSampler, equal_parts
from adaptive_diffusion.runs.compare import compare
from adaptive_diffusion.sampling import Sampler
from adaptive_diffusion.storage.folder import RunFolder
from adaptive_diffusion.tasks.sudoku import SudokuDataModule

FIELDS = ("query", "variation", "answers", "nfe", "halt_reason", "revisions", "log_probability", "cycled")
QUERIES = random_queries(10, 9, 5)
SAMPLER = Sampler(transformer(), proposal=Draw(), pace=FixedSteps(3))


class Dies:
    """Answers so many calls and is then interrupted."""

    def __init__(self, calls: int) -> None:
        self.calls, self.calls_made = calls, []

    def sample(self, queries, **options):
        if len(self.calls_made) == self.calls:
            raise KeyboardInterrupt
        self.calls_made.append(queries.ids.tolist())
        return SAMPLER.sample(queries, **options)


def test_answered_queries_are_not_sampled_again_and_the_answers_are_those_of_one_call(tmp_path):
    first, second = Dies(2), Dies(9)
    with RunFolder(tmp_path) as folder, pytest.raises(KeyboardInterrupt):
        CachedSampler(first, folder, "d", shard=3).sample(QUERIES, n=2, seed=5)
    with RunFolder(tmp_path) as folder:
        result = CachedSampler(second, folder, "d", shard=3).sample(QUERIES, n=2, seed=5)
    assert first.calls_made + second.calls_made == [[0, 1, 2], [3, 4, 5], [6, 7], [8, 9]]
    complete = SAMPLER.sample(QUERIES, n=2, seed=5)
    for field in FIELDS:
        assert torch.equal(getattr(result, field), getattr(complete, field)), field
    assert result.rows_forwarded >= complete.rows_forwarded


def test_other_digest_seed_or_count_is_sampled_anew(tmp_path):
    with RunFolder(tmp_path) as folder:
        for digest, options in (("d", {}), ("e", {}), ("d", {"seed": 1}), ("d", {"n": 2})):
            inner = Dies(9)
            CachedSampler(inner, folder, digest).sample(QUERIES, **options)
            assert len(inner.calls_made) == 1


def test_faults_are_stored_too(tmp_path):
    queries = random_queries(4, 9, 5)
    queries.tokens[2, 0], queries.editable[2, 0] = 99, False
    with RunFolder(tmp_path) as folder, pytest.warns(UserWarning, match="fault"):
        CachedSampler(SAMPLER, folder, "d", shard=2).sample(queries)
    with RunFolder(tmp_path) as folder:
        result = CachedSampler(None, folder, "d", shard=2).sample(queries)
    assert list(result.faults) == [2]
    assert result.halt_reason[2] == HaltReason.FAULT


def test_shards_are_nearly_equal():
    assert list(equal_parts(257, 256)) == [slice(0, 129), slice(129, 257)]
    assert list(equal_parts(7, 3)) == [slice(0, 3), slice(3, 5), slice(5, 7)]
    assert list(equal_parts(0, 3)) == []


def test_a_damaged_shard_is_a_sentence(tmp_path):
    with RunFolder(tmp_path) as folder:
        CachedSampler(SAMPLER, folder, "d").sample(QUERIES)
        (file,) = tmp_path.rglob("*.safetensors")
        file.write_bytes(file.read_bytes()[:-3])
        with pytest.raises(ValueError, match="damaged.*Remove it to answer its queries again"):
            CachedSampler(SAMPLER, folder, "d").sample(QUERIES)


def test_file_of_other_queries_is_answered_again(tmp_path):
    inner = Dies(9)
    with RunFolder(tmp_path) as folder:
        CachedSampler(SAMPLER, folder, "d", shard=5).sample(QUERIES)
        result = CachedSampler(inner, folder, "d", shard=4).sample(QUERIES)
    assert inner.calls_made == [[0, 1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert torch.equal(result.answers, SAMPLER.sample(QUERIES).answers)


def test_observers_would_miss_what_was_answered_before(tmp_path):
    with RunFolder(tmp_path) as folder, pytest.raises(ValueError, match="leave out --folder"):
        CachedSampler(SAMPLER, folder, "d").sample(QUERIES, observers=[print])


def test_compared_answers_can_be_stored(tmp_path):
    data = SudokuDataModule(4, batch_size=4, test_puzzles=4)
    problems, sampler = data.test, Sampler(transformer(4, 16), pace=FixedSteps(3))
    with RunFolder(tmp_path) as folder:
        row, _ = compare("fixed_3", CachedSampler(sampler, folder, "d", shard=3), data.task, problems)
    assert (row["heads"], row["queries"], row["nfe_max"]) == ([], 4, 3)
