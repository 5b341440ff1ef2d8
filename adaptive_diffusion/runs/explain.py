"""One query of a recorded trace, in words."""

from pathlib import Path

from adaptive_diffusion.core.explanation import explain
from adaptive_diffusion.core.trace import read_trace, shard_paths

TRACES = "traces"


def explain_query(folder: Path, query: int, variation: int = 0, sampler: str | None = None) -> str:
    """What happened to a query, step by step (`core.explanation.explain`).

    Args:
        folder: a run folder or one that `--trace` wrote, with a trace for each sampler; or the trace itself.
        query, variation: which answer.
        sampler: whose trace; it may be left out where there is one.

    Raises:
        ValueError: no trace there, several of them without a `sampler`, or a trace that cannot be read or has no such
            query.
    """
    return explain(read_trace(find_trace(folder, sampler)), query, variation)


def find_trace(folder: Path, sampler: str | None = None) -> Path:
    """The folder of a sampler's trace in a run folder, or the folder itself where that is a trace.

    Raises:
        ValueError: as `explain_query`.
    """
    if sampler is None and shard_paths(folder, "rows"):
        return folder
    found = {path.name: path for path in sorted((folder / TRACES).glob("*")) if path.is_dir()}
    if not found:
        raise ValueError(
            f"{folder} holds no traces; record some: adaptive-diffusion sample RUN --queries FILE --trace {folder}"
        )
    if sampler is None and len(found) == 1:
        return next(iter(found.values()))
    if sampler not in found:
        which = "several samplers; choose one" if sampler is None else f"no sampler {sampler!r}; choose another"
        raise ValueError(f"{folder} has {which} with --sampler: {', '.join(found)}")
    return found[sampler]
