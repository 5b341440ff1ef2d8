"""Samplers in shards answer as they do in one process."""

import json

import pytest
import torch
from small_worlds import random_queries

from adaptive_diffusion.config import named_samplers
from adaptive_diffusion.runs.engine import Here
from adaptive_diffusion.runs.shards import Sharded
from adaptive_diffusion.runs.trained_model import checkpoint_file, load_trained_model


@pytest.mark.parametrize("name", ["threshold", "restart"])
def test_shards_give_the_answers_of_a_single_call(name):
    (named,) = named_samplers([name])
    file, queries = checkpoint_file("sudoku-6x6"), random_queries(5, 36, 6, given=0.7)
    expected = load_trained_model(file).build(named.node).sample(queries, seed=3)
    found = Sharded(file, json.dumps(named.node), (), Here(), shard=2).sample(queries, seed=3)
    for column in ("answers", "nfe", "steps", "log_probability"):
        assert torch.equal(getattr(found, column), getattr(expected, column))
