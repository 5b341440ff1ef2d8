"""A trace in memory says the same as one on the disk, and explains an answer."""

from dataclasses import replace

import pytest
import torch
from small_worlds import random_queries, transformer

import adaptive_diffusion as ad
from adaptive_diffusion.core.layout import GridLayout
from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.core.trace_writer import TraceWriter
from adaptive_diffusion.sampling.tracing import TraceRecorder

QUERIES = replace(random_queries(5, 9, 5), layout=GridLayout(3, 3, 3, 3, tuple("abcde")))
SAMPLER = ad.Sampler(transformer(), pace=ad.pace.Threshold(0.3), halting=ad.halting.MaxSteps(3))


def test_trace_in_memory_equals_the_one_on_the_disk(tmp_path):
    result = SAMPLER.sample(QUERIES, n=2, seed=1, trace=True)
    with TraceWriter(tmp_path) as writer:
        recorder = TraceRecorder(writer)
        plain = SAMPLER.sample(QUERIES, n=2, seed=1, observers=[recorder])
        recorder.finish(QUERIES, plain)
    written = read_trace(tmp_path)
    assert result.trace is not None
    assert torch.equal(result.answers, plain.answers)
    for table in ("events", "steps", "rows"):
        assert getattr(result.trace, table).equals(getattr(written, table))


def test_result_explains_its_answers_with_the_layout_of_the_queries():
    text = SAMPLER.sample(QUERIES, n=2, trace=True).explain(3, variation=1)
    assert text.startswith("query 3, variation 1: ")
    assert "at row 3, column " in text
    assert "It stopped because " in text


def test_result_without_a_trace_names_the_way_to_one():
    with pytest.raises(ValueError, match="nothing was recorded; sample with trace=True"):
        SAMPLER.sample(QUERIES).explain(0)
