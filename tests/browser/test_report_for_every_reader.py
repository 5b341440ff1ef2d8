"""The report stays small, and is usable with a keyboard, a screen reader and a phone; figures are saved."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from synthetic_traces import simulate, simulate_many

from adaptive_diffusion.analysis.metrics import SamplerEntry
from adaptive_diffusion.analysis.report import build_report
from adaptive_diffusion.core.trace import read_trace

pytestmark = pytest.mark.browser

NAMES = ("threshold_0.9", "threshold_0.5", "learned", "cost_aware")
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 1000}


def report(folder: Path) -> Path:
    entries = [SamplerEntry(name, {"sampler": name, "family": name.split("_0")[0]}, Path(name)) for name in NAMES]
    return build_report(folder, title="Every reader", samplers=entries, out=folder / "report.html")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of 60 queries with mistakes, some of them mended."""
    folder: Path = tmp_path_factory.mktemp("small")
    for number, name in enumerate(NAMES):
        family, learned = name.split("_0")[0], number > 1
        simulate(folder / name, 60, mistake=0.1, finds=0.5, learned=learned, seed=number, family=family)
    return report(folder)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of 10,000 queries."""
    folder: Path = tmp_path_factory.mktemp("large")
    for name in NAMES:
        simulate_many(folder / name, 10_000, seed=0)  # the same queries for all
    return report(folder)


@pytest.fixture
def page(small: Path, visit: Any) -> Any:
    return visit(small.as_uri(), ".board")


def test_report_of_ten_thousand_queries_has_less_than_eight_megabytes_and_shows_them(large: Path, visit: Any):
    """How fast it loads is measured by the benchmark `report`."""
    assert large.stat().st_size < 8e6
    assert visit(large.as_uri(), ".board").inner_text(".lead").startswith("4 samplers, 10,000 queries")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_breaks_no_rule_of_accessibility(page: Any, axe: str, theme: str, size: dict[str, int]):
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=theme)
    for details in page.locator("details > summary").all():
        details.click()
    page.evaluate(axe)
    for outcome in ("right", "wrong"):
        page.select_option("#outcome", outcome)
        page.focus("#list")
        page.keyboard.press("End")
        page.focus("#scrub")
        for key in ("End", "ArrowLeft"):
            page.keyboard.press(key)
            found = page.evaluate("() => axe.run(document, {preload: false})")
            assert [
                (broken["id"], [node["html"][:120] for node in broken["nodes"]]) for broken in found["violations"]
            ] == []
            assert len(found["passes"]) > 20


def test_phone_shows_the_page_without_scrolling_sideways(page: Any, large: Path):
    page.set_viewport_size(PHONE)
    for place in (None, large.as_uri()):
        if place:
            page.goto(place)
            page.wait_for_selector(".board")
        page.keyboard.press("End")
        widths = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert widths == [390, 390]


def test_every_figure_is_saved_as_svg_and_csv_with_the_keyboard(page: Any, small: Path, tmp_path: Path):
    figures = page.locator("figure").evaluate_all("(all) => all.map((one) => one.id)")
    assert {"accuracy_nfe", "nfe_histogram", "revisions"} <= set(figures)
    for name in figures:
        page.reload()  # the browser drops downloads of a page that saves more than ten at once
        page.wait_for_selector(".board")
        for kind in ("svg", "csv"):
            link = page.locator(f'#{name} .save a[download="{name}.{kind}"]')
            assert link.get_attribute("href").startswith("data:")
            link.focus()
            with page.expect_download() as started:
                page.keyboard.press("Enter")
            assert started.value.suggested_filename == f"{name}.{kind}"
            started.value.save_as(tmp_path / f"{name}.{kind}")
        assert "<svg" in (tmp_path / f"{name}.svg").read_text()[:2000]
        assert len((tmp_path / f"{name}.csv").read_text().splitlines()) > 2
    rows = list(csv.DictReader(io.StringIO((tmp_path / "accuracy_nfe.csv").read_text())))
    learned = next(row for row in rows if row["series"] == "learned")
    nfe = read_trace(small.parent / "learned").rows["nfe"].to_numpy().mean()
    assert float(learned["x"]) == pytest.approx(nfe, rel=1e-5)


def test_everything_that_can_be_used_is_reached_with_the_tab_key(page: Any):
    usable = "button, select, input, a[href], summary, [tabindex='0']"
    expected = page.locator(usable).evaluate_all("(all) => all.filter((one) => one.offsetParent !== null).length")
    page.evaluate("() => document.body.focus()")
    seen = set()
    for _ in range(2 * expected):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("() => [...document.querySelectorAll('*')].indexOf(document.activeElement)"))
    assert len(seen - {-1}) >= expected - 1  # the link to skip to the player is shown only with the focus
