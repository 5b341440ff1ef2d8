"""The trace: what is written is read, and what is incomplete is refused."""

import weakref
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as some

from adaptive_diffusion.core.events import OPEN, Event
from adaptive_diffusion.core.layout import GridLayout
from adaptive_diffusion.core.measures import AnswerMeasure, Difficulty
from adaptive_diffusion.core.trace import COLUMNS, read_trace, schema
from adaptive_diffusion.core.trace_header import TraceHeader
from adaptive_diffusion.core.trace_writer import TraceWriter

HEADER = TraceHeader(
    task="digits",
    headline="exact",
    layout=GridLayout(1, 3, 1, 3, ("a", "b")),
    difficulties=(Difficulty("blanks", "blank positions", (0, 2.5), 1),),
    columns=(AnswerMeasure("overlap", "overlap", True),),
    sampler="careful_0.9",
    family="careful",
    halting="sure",
    explanation="{probability:.2f} against {threshold:.1f}",
)


def write(folder: Path, shard_rows: int = 1_000_000, queries: int = 3) -> None:
    """Queries of length 2 and 3 in turn, each of which commits position 0, revokes it, and commits it again."""
    with TraceWriter(folder, HEADER, shard_rows) as writer:
        query, zeros = np.arange(queries), np.zeros(queries, int)
        for step, event in enumerate([Event.COMMIT, Event.REMASK, Event.REPLACE], start=1):
            steps = np.full(queries, step)
            writer.append_events(
                query=query,
                variation=zeros,
                step=steps,
                position=zeros,
                token=query + 1,
                event=np.full(queries, event),
                confidence=np.full(queries, 0.5),
            )
            halt = np.full(queries, np.nan if step == 1 else step / 4)
            writer.append_steps(
                query=query,
                variation=zeros,
                step=steps,
                open=3 - steps,
                halt_probability=halt,
                correct=steps == 3,
                seen={"threshold": steps / 8},
            )
        length = 2 + query % 2
        writer.append_rows(
            query=query,
            variation=zeros,
            length=length,
            nfe=np.full(queries, 3),
            token_forwards=3 * length,
            halt_reason=["sure"] * queries,
            halt_sentence=["it was sure"] * queries,
            revisions=zeros + 1,
            rewrites=zeros,
            answer=np.tile([4, 5, 6], (queries, 1)),
            start=np.tile([OPEN, 5, 6], (queries, 1)),
            exact=query == 0,
            correct=np.where(query == 1, np.nan, query == 0),
            difficulty={"blanks": np.where(query == 1, np.nan, query)},
        )


def test_what_is_written_is_read(tmp_path: Path):
    write(tmp_path)
    trace = read_trace(tmp_path)
    assert trace.events.schema.equals(schema("events", HEADER))
    assert trace.events["event"].to_pylist() == ["commit"] * 3 + ["remask"] * 3 + ["replace"] * 3
    assert trace.steps["halt_probability"].to_pylist() == [None] * 3 + [0.5] * 3 + [0.75] * 3
    assert trace.rows["answer"].to_pylist() == [[4, 5], [4, 5, 6], [4, 5]]
    assert trace.rows["start"].to_pylist()[1] == [OPEN, 5, 6]
    assert trace.rows["exact"].to_pylist() == [True, False, False]
    assert trace.rows["valid"].to_pylist() == [None] * 3
    assert trace.rows["correct"].to_pylist() == [True, None, False]
    assert trace.rows["difficulty.blanks"].to_pylist() == [0, None, 2]
    assert trace.rows["column.overlap"].to_pylist() == [None] * 3
    assert trace.steps["halting.threshold"].to_pylist() == [0.125] * 3 + [0.25] * 3 + [0.375] * 3
    assert trace.header == HEADER
    assert trace.rows["target"].to_pylist() == [None] * 3


@pytest.mark.parametrize("shard_rows", [1, 2, 3, 4, 5, 9, 100])
def test_shards_change_the_files_and_not_the_trace(tmp_path: Path, shard_rows: int):
    write(tmp_path / "whole")
    write(tmp_path / "sharded", shard_rows)
    complete, sharded = read_trace(tmp_path / "whole"), read_trace(tmp_path / "sharded")
    assert len(list((tmp_path / "sharded").glob("events-*"))) == -(-9 // shard_rows)
    assert all(getattr(complete, name).equals(getattr(sharded, name)) for name in COLUMNS)
    assert all(pq.read_metadata(path).num_rows <= shard_rows for path in (tmp_path / "sharded").iterdir())


def test_a_writer_soon_lets_go_of_the_arrays_of_a_step(tmp_path: Path):
    """Else each would lie between the large tensors of its step, and what is freed around it could not be joined."""
    writer, alive = TraceWriter(tmp_path), []
    for step in range(1, 201):
        query = np.arange(3)
        alive.append(weakref.ref(query))
        writer.append_steps(query=query, variation=query, step=np.full(3, step), open=query)
        del query
    assert sum(array() is not None for array in alive) < 20
    writer.close()
    assert read_trace(tmp_path).steps["query"].to_pylist() == [0, 1, 2] * 200


def test_an_empty_trace_is_a_trace(tmp_path: Path):
    TraceWriter(tmp_path).close()
    assert read_trace(tmp_path).rows.num_rows == 0


def test_a_new_trace_replaces_the_old_one(tmp_path: Path):
    write(tmp_path, shard_rows=1)
    write(tmp_path, queries=2)
    assert read_trace(tmp_path).rows["query"].to_pylist() == [0, 1]


def fail_while_writing(folder: Path) -> None:
    with TraceWriter(folder, shard_rows=1) as writer:
        columns = dict.fromkeys(["query", "variation", "position", "token", "event", "confidence"], np.zeros(3, int))
        writer.append_events(**columns, step=np.ones(3, int))
        raise KeyboardInterrupt


def test_a_trace_whose_writer_failed_is_refused(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        fail_while_writing(tmp_path)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["events-00000.parquet", "events-00001.parquet"]
    with pytest.raises(ValueError, match="unfinished"):
        read_trace(tmp_path)


def test_a_truncated_file_is_refused(tmp_path: Path):
    write(tmp_path)
    path = tmp_path / "rows-00000.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="truncated"):
        read_trace(tmp_path)


def test_a_lost_shard_is_noticed(tmp_path: Path):
    write(tmp_path, shard_rows=2)
    (tmp_path / "events-00001.parquet").unlink()
    with pytest.raises(ValueError, match="4 of its 5 events shards"):
        read_trace(tmp_path)


@pytest.mark.parametrize(
    ("metadata", "sentence"), [({"adaptive_diffusion_trace": "99"}, "version 99"), ({}, "is no trace")]
)
def test_a_trace_of_another_version_is_refused(tmp_path: Path, metadata: dict, sentence: str):
    write(tmp_path)
    path = tmp_path / "steps-00000.parquet"
    pq.write_table(pq.read_table(path).replace_schema_metadata(metadata), path)
    with pytest.raises(ValueError, match=sentence):
        read_trace(tmp_path)


def test_other_columns_are_refused(tmp_path: Path):
    write(tmp_path)
    path = tmp_path / "steps-00000.parquet"
    table = pq.read_table(path)
    pq.write_table(table.drop_columns("open").replace_schema_metadata(table.schema.metadata), path)
    with pytest.raises(ValueError, match="columns of its table"):
        read_trace(tmp_path)


def test_a_folder_without_a_trace_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="holds no trace"):
        read_trace(tmp_path)


def test_a_mistake_of_the_caller_is_named(tmp_path: Path):
    ones = np.ones(2, int)
    with TraceWriter(tmp_path) as writer:
        with pytest.raises(ValueError, match="count from 1, found 0"):
            writer.append_steps(query=ones, variation=ones, step=ones - 1, open=ones)
        with pytest.raises(ValueError, match="open has 1 entries"):
            writer.append_steps(query=ones, variation=ones, step=ones, open=ones[:1])
        with pytest.raises(ValueError, match=r"found \[3\]"):
            writer.append_events(
                query=ones, variation=ones, step=ones, position=ones, token=ones, event=3 * ones, confidence=ones
            )
    with pytest.raises(ValueError, match="shard_rows is 0"):
        TraceWriter(tmp_path, shard_rows=0)


def test_columns_that_the_header_does_not_have_are_refused(tmp_path: Path):
    ones = np.ones(2, int)
    with TraceWriter(tmp_path) as writer, pytest.raises(ValueError, match=r"does not have halting\.price; it has none"):
        writer.append_steps(query=ones, variation=ones, step=ones, open=ones, seen={"price": ones})


def test_explanation_shows_the_numbers_of_a_step():
    assert HEADER.seen == ("threshold",)
    assert HEADER.explain({"probability": 0.126, "threshold": 0.5, "more": 1.0}) == "0.13 against 0.5"
    assert HEADER.explain({"threshold": 0.5}) == ""
    assert TraceHeader().explain({"probability": 1.0}) == ""


@pytest.mark.parametrize(
    "template",
    [
        *("{a.__class__}", "{a[0]}", "{0}", "{a!r}", "{a:{b}}", "{a:999999999}", "{a:>{b.x}}", "{", "{a:.2f"),
        *("{a:d}", "{a:c}", "{a:x}", "{a:n}", "{a:_}", "{a:.99f}", "{a:.\u0663f}", "{a:9}", "{a:=+5}", "{a:s}"),
    ],
)
def test_explanation_that_does_more_than_show_numbers_is_refused(template: str):
    with pytest.raises(ValueError, match="format template|shows numbers by their names"):
        TraceHeader(explanation=template)


@given(
    some.text("ab:{}.,+-% 19efgdxcns!_", max_size=12) | some.from_regex(r"\{a:[-+]?,?(\.\d)?[a-z%]?\}", fullmatch=True),
    some.floats(),
)
def test_every_explanation_that_a_header_admits_shows_every_number(template: str, number: float):
    try:
        header = TraceHeader(explanation=template)
    except ValueError:
        return
    numbers = dict.fromkeys([*header.seen, "probability"], number)
    assert len(header.explain(numbers)) <= len(template) * 500


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"layout": {"kind": "sphere", "symbols": []}}', HEADER.to_json().replace('"exact"', '"best"')]
    + [HEADER.to_json().replace('"digits"', value) for value in ("3", "null", '["x"]')]
    + [HEADER.to_json().replace('"rows": 1', '"rows": 0'), "[" * 100_000],
)
def test_damaged_header_is_refused(text: str):
    with pytest.raises(ValueError, match="the header is damaged"):
        TraceHeader.from_json(text)


def test_header_survives_its_way_through_json():
    assert TraceHeader.from_json(HEADER.to_json()) == HEADER
    assert TraceHeader.from_json(TraceHeader().to_json()) == TraceHeader()


def test_trace_with_a_damaged_header_is_refused(tmp_path: Path):
    write(tmp_path)
    path = tmp_path / "rows-00000.parquet"
    table = pq.read_table(path)
    broken = {**table.schema.metadata, b"adaptive_diffusion_trace_header": b"{"}
    pq.write_table(table.replace_schema_metadata(broken), path)
    with pytest.raises(ValueError, match="is damaged: the header is damaged"):
        read_trace(tmp_path)
