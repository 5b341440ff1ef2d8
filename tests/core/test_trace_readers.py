"""The one-line readers that docs/traces.md shows, run as they are written."""

import pathlib
import re
from pathlib import Path

import numpy as np
import pytest

from adaptive_diffusion.core.events import Event
from adaptive_diffusion.core.trace_writer import TraceWriter

DOCUMENT = (Path(__file__).parents[2] / "docs" / "traces.md").read_text()


@pytest.mark.parametrize(
    ("module", "commits"),
    [
        ("polars", lambda found: (found["event"] == "commit").sum()),
        ("pandas", lambda found: (found["event"] == "commit").sum()),
        ("duckdb", lambda found: dict(found.fetchall())["commit"]),
    ],
)
def test_a_line_of_the_document_reads_every_shard(tmp_path, monkeypatch, module, commits):
    reader = pytest.importorskip(module, reason="needs the extra: pip install adaptive-diffusion[data]")
    (line,) = re.findall(rf"^    ({module}\..*)$", DOCUMENT, re.M)
    monkeypatch.chdir(tmp_path)
    event = np.array([Event.COMMIT, Event.COMMIT, Event.REMASK, Event.COMMIT, Event.REPLACE])
    columns = {name: np.arange(1, 6) for name in ("query", "variation", "step", "position", "token")}
    with TraceWriter("runs/quickstart/traces/learned", shard_rows=2) as writer:
        writer.append_events(**columns, event=event, confidence=np.full(5, 0.5))
    assert commits(eval(line, {module: reader, "pathlib": pathlib})) == 3
