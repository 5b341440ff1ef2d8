"""``adaptive-diffusion evaluate``."""

import json
from typing import Annotated

import typer

from adaptive_diffusion.cli.options import (
    Address,
    AllowModule,
    Answers,
    Confidence,
    ConfigDir,
    Device,
    EngineName,
    ExpectedRisk,
    Precision,
    Queries,
    Risk,
    Samplers,
    Seed,
    SkipBad,
    Source,
    Trace,
    Workers,
    allowed,
    announce,
    called,
    chosen_compute,
    config_search,
    promise,
    query_engine,
    query_file,
)


def evaluate(
    source: Source,
    queries: Queries,
    sampler: Samplers = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON instead of a table.")] = False,
    skip_bad: SkipBad = False,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    config_dir: ConfigDir = None,
    allow_module: AllowModule = None,
    engine: EngineName = "local",
    workers: Workers = None,
    address: Address = None,
    folder: Answers = None,
    trace: Trace = None,
    risk: Risk = None,
    confidence: Confidence = None,
    expected_risk: ExpectedRisk = None,
) -> None:
    """Compare samplers on a file of queries: how many answers are correct, and how many forwards each took.

    Examples:

        adaptive-diffusion evaluate runs/quickstart --queries queries.txt --sampler confidence --sampler learned

        adaptive-diffusion evaluate model.safetensors --queries q.csv --sampler "threshold pace.threshold=0.8,0.9"

        adaptive-diffusion evaluate runs/quickstart --queries many.txt --sampler learned --engine ray --workers 8

        adaptive-diffusion evaluate runs/quickstart --queries queries.txt --sampler learned --risk 0.01
    """
    from adaptive_diffusion.runs.evaluate import evaluate_file
    from adaptive_diffusion.runs.query_job import QueryJob

    where = query_engine(engine, workers, address)
    search, compute = config_search(config_dir), chosen_compute(device, precision)
    announce(compute)
    promised = promise(risk, confidence, expected_risk)
    allow = allowed(allow_module)
    name = called(queries)
    with query_file(queries) as file:
        job = QueryJob(source, file, seed, skip_bad, allow, where, folder, search, trace, compute, promised, name)
        rows, columns = evaluate_file(job, sampler or ["confidence"])
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from adaptive_diffusion.analysis.table import print_tables
    from adaptive_diffusion.analysis.tables import summary_table

    print_tables([summary_table(rows, columns)])
