"""A trace that is recorded in memory while a sampler answers."""

from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Self

from adaptive_diffusion.core.layout import TextLayout
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rule import Halting
from adaptive_diffusion.core.trace import read_trace
from adaptive_diffusion.core.trace_header import TraceHeader
from adaptive_diffusion.core.trace_writer import TraceWriter
from adaptive_diffusion.sampling.result import SampleResult
from adaptive_diffusion.sampling.step import Step
from adaptive_diffusion.sampling.tracing import TraceRecorder


class MemoryTrace:
    """An observer; `added_to` puts the trace into the result. As a context manager it removes its temporary folder."""

    def __init__(self, queries: Queries, halting: Halting):
        self.queries = queries
        self.folder = TemporaryDirectory(prefix="adaptive-diffusion-")
        layout = queries.layout or TextLayout()
        header = TraceHeader(layout=layout, halting=halting.reason, explanation=halting.explanation)
        self.writer = TraceWriter(self.folder.name, header)
        self.recorder = TraceRecorder(self.writer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.folder.cleanup()

    def __call__(self, step: Step) -> None:
        self.recorder(step)

    def added_to(self, result: SampleResult) -> SampleResult:
        """The result with its trace, once all queries are answered."""
        self.recorder.finish(self.queries, result)
        self.writer.close()
        return replace(result, trace=read_trace(self.folder.name))
