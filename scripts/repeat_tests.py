"""Runs the tests again and again, in random order and under load, and counts failures (`make test-repeatedly N=20`).

    python scripts/repeat_tests.py 20                      # the default suite, twenty orders
    python scripts/repeat_tests.py 5 --load 4 tests/rules  # a part of it, beside four busy processes
    python scripts/repeat_tests.py 1 --first-seed 7        # the order of one seed again
    python scripts/repeat_tests.py 5 --first-seed 10 --record runs.json  # five more of the runs in this file

Ends with 1 if any test failed in any order.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from adaptive_diffusion.storage.atomic_write import atomic_write_file
from adaptive_diffusion.storage.manifest import now, source

ROOT = Path(__file__).parent.parent


def busy() -> None:
    """Never ends."""
    while True:
        sum(range(100_000))


def run(seed: int, arguments: list[str]) -> tuple[int, list[str]]:
    """How many tests ran in the order of a seed, and the names of those that failed."""
    path = os.pathsep.join([str(ROOT / "scripts"), os.environ.get("PYTHONPATH", str(ROOT))])
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": path, "SHUFFLED": str(seed)}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-q", "-p", "shuffled", "-p", "no:cacheprovider", f"--junit-xml={report}"]
        command = [sys.executable, "-m", "pytest", *options, *arguments]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
        if not report.is_file():
            sys.exit(done.stdout + done.stderr)
        cases = list(ET.parse(report).getroot().iter("testcase"))
    failed = [f"{case.get('classname')}::{case.get('name')}" for case in cases if _has_failed(case)]
    if done.returncode not in (0, 1) or (done.returncode == 1 and not failed):
        failed.append(f"pytest ended with {done.returncode}: {done.stdout[-2000:]}")
    return len(cases), failed


def _has_failed(case: ET.Element) -> bool:
    return case.find("failure") is not None or case.find("error") is not None


def read_record(file: Path) -> list[dict[str, Any]]:
    """The runs in a file, from the first on; a file that does not exist has no runs.

    Raises:
        ValueError: a file that is not a list of runs.
    """
    try:
        runs = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {error}. Choose another file.") from error
    if not isinstance(runs, list):
        raise ValueError(f"{file} is not a list of runs. Choose another file.")
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("times", type=int, help="orders to try")
    parser.add_argument("--first-seed", type=int, default=0, help="of the first order; the next has the next seed")
    parser.add_argument("--load", type=int, default=os.cpu_count(), help="busy processes beside the tests")
    parser.add_argument("--record", type=Path, metavar="FILE", help="JSON file to which each run is appended")
    options, arguments = parser.parse_known_args()
    if options.record:
        options.record = options.record.resolve()
        try:
            read_record(options.record)
        except ValueError as error:  # before the first run
            sys.exit(str(error))
    load = [multiprocessing.get_context("spawn").Process(target=busy, daemon=True) for _ in range(options.load)]
    for process in load:
        process.start()
    failures = 0
    try:
        for seed in range(options.first_seed, options.first_seed + options.times):
            begin, when = time.monotonic(), now()
            tested = source(ROOT) or {}
            count, failed = run(seed, arguments)
            failures += len(failed)
            if options.record:
                counts = {"tests": count, "failed": failed, "load": options.load, "load_average": os.getloadavg()[1]}
                counts |= {"cores": os.cpu_count(), "arguments": arguments}
                runs = [*read_record(options.record), {"seed": seed, **tested, **counts, "begun": when}]
                atomic_write_file(options.record, json.dumps(runs, indent=1) + "\n")
            print(f"seed {seed}: {count} tests, {len(failed)} failed, {time.monotonic() - begin:.0f} s", flush=True)
            print(*(f"  {name}" for name in failed), sep="\n", end="\n" if failed else "", flush=True)
    finally:
        for process in load:
            process.terminate()
    print(f"{options.times} runs in random order beside {options.load} busy processes: {failures} failures")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
