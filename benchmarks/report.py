"""Time and memory of `adaptive-diffusion analyze` on many traced queries, and the time in which a browser loads a
report.

The second needs Chromium and the extra `browser`; without them it is left out, with a note.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

from adaptive_diffusion.analysis.metrics import SamplerEntry
from adaptive_diffusion.analysis.report import build_report
from benchmarks.evaluate import ROOT, run

ANALYZE = """
from adaptive_diffusion.cli import main
main()
"""
NAMES = ("threshold_0.9", "threshold_0.5", "learned", "cost_aware")
QUERIES, TRACED, LOADS = 10_000, 100_000, 5


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    """Rows `analyze/QUERIES`, over the traces of two samplers, and `report/QUERIES`, of four samplers.
    `load_milliseconds` is the least of several loads: other work of the machine is no property of the page."""
    sys.path.insert(0, str(ROOT / "tests"))
    simulate_many = import_module("synthetic_traces").simulate_many
    with tempfile.TemporaryDirectory() as folder:
        yield analysed(Path(folder), TRACED // 10 if quick else TRACED, simulate_many)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None or find_spec("playwright") is None:
        print("report: left out; it needs Chromium and the extra `browser`", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield loaded(Path(folder), QUERIES, simulate_many, chromium)


def analysed(folder: Path, queries: int, simulate_many: Any) -> dict[str, Any]:
    """The row of `analyze`, in a process of its own."""
    for seed, name in enumerate(("threshold_0.9", "learned")):
        simulate_many(folder / "run" / "traces" / name, queries // 2, seed=seed)
    before = getrusage(RUSAGE_CHILDREN)
    found = run(ROOT, ANALYZE, "analyze", str(folder / "run"), "--by", "clues")
    after = getrusage(RUSAGE_CHILDREN)
    processor = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return {"name": f"analyze/{queries}", "queries": queries, "processor_seconds": processor, **found}


def loaded(folder: Path, queries: int, simulate_many: Any, chromium: str) -> dict[str, Any]:
    """The row of the report in a browser."""
    for name in NAMES:
        simulate_many(folder / name, queries, seed=0)  # the same queries for all
    entries = [SamplerEntry(name, {"sampler": name, "family": name.split("_0")[0]}, Path(name)) for name in NAMES]
    page = build_report(folder, title="Benchmark", samplers=entries, out=folder / "report.html")
    with import_module("playwright.sync_api").sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        spent = [load_milliseconds(browser, page) for _ in range(LOADS)]
        browser.close()
    version = subprocess.run([chromium, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "name": f"report/{queries}",
        "queries": queries,
        "load_milliseconds": min(spent),
        "megabytes": page.stat().st_size / 1e6,
        "loads": LOADS,
        "browser": version,
    }


def load_milliseconds(browser: Any, page: Path) -> float:
    """Milliseconds until the page has loaded and shows its board."""
    opened = browser.new_page()
    opened.goto(page.as_uri())
    opened.wait_for_selector(".board")
    spent = opened.evaluate("() => performance.getEntriesByType('navigation')[0].loadEventEnd")
    opened.close()
    return float(spent)
