"""``adaptive-diffusion sample``."""

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
    Sampler,
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
from adaptive_diffusion.cli.terminal import shown


def sample(
    source: Source,
    queries: Queries,
    sampler: Sampler = "confidence",
    variations: Annotated[
        int, typer.Option("-n", "--variations", min=1, help="Answers to each query; they differ if the sampler draws.")
    ] = 1,
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
    """Answer the queries of a file and show the answers, each with its forwards and why it halted.

    Examples:

        adaptive-diffusion sample runs/quickstart --queries queries.txt --sampler learned

        adaptive-diffusion sample MODEL --queries - --sampler learned < queries.txt

        adaptive-diffusion sample runs/quickstart --queries queries.txt -n 5 --sampler mdlm --seed 1

        adaptive-diffusion sample runs/halting --queries queries.txt --sampler "cost_aware halting.price=0.01"

        adaptive-diffusion sample runs/quickstart --queries queries.txt --sampler learned --risk 0.01 --confidence 0.95
    """
    from adaptive_diffusion.runs.query_job import QueryJob
    from adaptive_diffusion.runs.sample import sample_file

    where = query_engine(engine, workers, address)
    search, compute = config_search(config_dir), chosen_compute(device, precision)
    announce(compute)
    promised = promise(risk, confidence, expected_risk)
    allow = allowed(allow_module)
    name = called(queries)
    with query_file(queries) as file:
        job = QueryJob(source, file, seed, skip_bad, allow, where, folder, search, trace, compute, promised, name)
        for answer in sample_file(job, sampler, variations):
            typer.secho(shown(answer.text), fg="red" if answer.invalid else None)
