"""The report in a real browser, opened from disk: what it shows is what the traces say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_traces import Row, commit, edit, header, record, simulate

from adaptive_diffusion.analysis.metrics import SamplerEntry
from adaptive_diffusion.analysis.report import build_report
from adaptive_diffusion.core.layout import TextLayout
from adaptive_diffusion.core.measures import Difficulty
from adaptive_diffusion.core.trace import Trace, read_trace

pytestmark = pytest.mark.browser

RATED = Difficulty("guesses", "guesses of the solver")
"""Without edges of its groups."""

NAMES = ("threshold_0.9", "learned")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("run")
    simulate(folder / NAMES[0], 80, mistake=0.05, seed=1)
    simulate(folder / NAMES[1], 80, mistake=0.05, finds=0.6, learned=True, seed=2)
    entries = [SamplerEntry(name, {}, Path(name)) for name in NAMES]
    build_report(folder, title="Test", samplers=entries, out=folder / "report.html")
    return folder


@pytest.fixture
def page(run: Path, visit: Any) -> Any:
    return visit((run / "report.html").as_uri(), ".board")


def choose(page: Any, query: int) -> None:
    page.select_option("#order", "query")
    page.focus("#list")
    while (current := int(page.locator("[aria-selected=true] span").first.inner_text()[1:])) != query:
        page.keyboard.press("ArrowDown" if current < query else "ArrowUp")


def events_shown(page: Any, sampler: str) -> list[tuple]:
    """Steps through the query with the keyboard and notes what each cell says of itself."""
    read = f"""() => [...document.querySelectorAll('.board[data-sampler="{sampler}"] td')]
        .filter((cell) => cell.dataset.event).map((cell) => ({{...cell.dataset}}))"""
    page.keyboard.press("Home")
    shown = []
    for step in range(1, int(page.get_attribute("#scrub", "max")) + 1):
        page.keyboard.press("ArrowRight")
        for cell in page.evaluate(read):
            symbol = cell["before"] if cell["event"] == "remask" else cell["token"]
            shown.append((step, int(cell["position"]), cell["event"], int(symbol) - 1, float(cell["confidence"])))
    return shown


def events_recorded(trace: Trace, query: int) -> list[tuple]:
    rows = [event for event in trace.events.to_pylist() if event["query"] == query]
    columns = ("step", "position", "event", "token", "confidence")
    return sorted(tuple(event[column] for column in columns) for event in rows)


def test_the_events_shown_are_those_of_the_trace(page: Any, run: Path):
    traces = {name: read_trace(run / name) for name in NAMES}
    revisions = traces["learned"].rows["revisions"].to_numpy()
    for query in (int(revisions.argmax()), int(revisions.argmin())):
        choose(page, query)
        for name, trace in traces.items():
            shown, recorded = sorted(events_shown(page, name)), events_recorded(trace, query)
            assert [event[:4] for event in shown] == [event[:4] for event in recorded]
            assert np.allclose([event[4] for event in shown], [event[4] for event in recorded], atol=1 / 254)


def test_the_last_step_shows_the_answer_and_its_verdict(page: Any, run: Path):
    row = read_trace(run / "learned").rows.to_pylist()[7]
    choose(page, 7)
    page.keyboard.press("End")
    board = page.locator(".board[data-sampler=learned]")
    shown = board.locator("td").evaluate_all("(cells) => cells.map((cell) => Number(cell.dataset.token) - 1)")
    assert shown == row["answer"]
    assert ("✓ correct" in board.locator(".badge").inner_text()) == row["correct"]
    assert f"{row['nfe']} NFE" in board.locator(".readout").inner_text()


def test_filters_leave_the_queries_they_name(page: Any, run: Path):
    learned = read_trace(run / "learned").rows
    exact, other = (read_trace(run / name).rows["exact"].to_numpy() for name in ("learned", "threshold_0.9"))
    nfe, difficulty, revisions = (learned[name].to_numpy() for name in ("nfe", "difficulty.guesses", "revisions"))

    def found(selects: dict[str, str], low: str = "", high: str = "") -> int:
        for name in ("outcome", "difficulty", "revisions"):
            page.select_option(f"#{name}", selects.get(name, "any"))
        page.fill("#nfe-low", low)
        page.fill("#nfe-high", high)
        return int(page.inner_text("#found").split()[0])

    assert found({}) == 80
    assert found({"outcome": "wrong"}) == (~exact).sum()
    assert found({"outcome": "gained"}) == (exact & ~other).sum()
    assert found({"difficulty": "from-3"}) == ((difficulty >= 3) & (difficulty < 7)).sum()
    assert found({"revisions": "some"}) == (revisions >= 1).sum()
    assert found({}, "5", "7") == ((nfe >= 5) & (nfe <= 7)).sum()
    assert found({"outcome": "right", "revisions": "some"}, "6") == (exact & (revisions >= 1) & (nfe >= 6)).sum()
    assert found({}, "999") == 0
    assert "Loosen a filter" in page.inner_text("#boards")


def test_playing_reaches_the_end_and_stops(page: Any):
    page.select_option("#speed", "150")
    page.keyboard.press("Home")
    page.locator("#boards").click(position={"x": 5, "y": 5})
    page.keyboard.press(" ")
    assert page.get_attribute("#play", "aria-label") == "Pause"
    page.wait_for_selector("#play[aria-label=Play]")
    assert page.input_value("#scrub") == page.get_attribute("#scrub", "max")


def test_two_samplers_stand_side_by_side_or_one_alone(page: Any):
    assert (
        page.locator(".board").evaluate_all("(boards) => boards.map((board) => board.dataset.sampler)")
        == [*NAMES][::-1]
    )
    page.select_option("#second", "")
    assert page.locator(".board").count() == 1
    page.select_option("#first", "threshold_0.9")
    assert page.locator(".board").get_attribute("data-sampler") == "threshold_0.9"


def test_a_step_is_announced_to_a_screen_reader(page: Any):
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    output = page.inner_text("#spoken[aria-live=polite]")
    assert output.startswith("learned: Step 1 of ")
    assert "commits" in output
    assert "threshold_0.9: Step 1 of " in output


def test_the_theme_can_be_chosen(page: Any):
    ground = "() => getComputedStyle(document.body).backgroundColor"
    page.click("#theme")
    light = page.evaluate(ground)
    page.click("#theme")
    assert page.evaluate(ground) != light
    assert page.locator("img.when-light").first.is_hidden()
    assert page.locator("img.when-dark").first.is_visible()


def test_the_page_cannot_reach_the_network(run: Path, browser: Any):
    page = browser.new_page()
    page.goto((run / "report.html").as_uri())
    refused = page.evaluate(
        """() => new Promise((resolve) => {
            const directives = [];
            document.addEventListener("securitypolicyviolation", (event) => {
                directives.push(event.effectiveDirective);
                if (directives.length === 2) resolve(directives.sort());
            });
            new Image().src = "http://127.0.0.1:9/picture.png";
            fetch("http://127.0.0.1:9/").catch(() => {});
        })"""
    )
    page.close()
    assert refused == ["connect-src", "img-src"]


def test_text_is_shown_as_text(tmp_path: Path, visit: Any):
    words = ("ab", " cd", "\n", "<b>")
    rows = [
        Row([0, -1, -1], [[commit(1, 1)], [commit(2, 3)]], [0, 1, 3], difficulty=-3),
        Row([-1, -1, 2], [[commit(0, 3), commit(1, 1)], [edit(0, 0)]], [0, 1, 2], query=1, difficulty=4),
    ]
    record(tmp_path / "text", rows, described=header(layout=TextLayout(words), difficulties=(RATED,)))
    entry, out = SamplerEntry("text", {}, Path("text")), tmp_path / "report.html"
    build_report(tmp_path, title="Text", samplers=[entry], out=out)
    page = visit(out.as_uri(), ".board")
    assert page.locator("#difficulty option").all_inner_texts() == ["any", "-3 to 3", "4+"]
    choose(page, 0)
    page.keyboard.press("End")
    assert page.locator(".board .text > span .symbol").all_inner_texts() == ["ab", " cd", "<b>"]
    assert page.locator(".board .text b").count() == 0
    choose(page, 1)
    page.keyboard.press("End")
    assert "changes to ab at position 1" in page.inner_text(".board .readout")


def test_two_thousand_queries_are_a_list_of_a_few_elements(tmp_path: Path, visit: Any):
    simulate(tmp_path / "many", 2000, side=4, per_step=16.0)
    entry, out = SamplerEntry("many", {}, Path("many")), tmp_path / "report.html"
    build_report(tmp_path, title="Many", samplers=[entry], out=out)
    page = visit(out.as_uri(), ".board")
    assert page.inner_text("#found").startswith("2,000 of 2,000")
    assert page.locator("#list [role=option]").count() < 60
    page.select_option("#order", "nfe")
    nfe = read_trace(tmp_path / "many").rows["nfe"].to_numpy()
    page.evaluate("document.getElementById('list').scrollTop = 0")
    page.focus("#list")
    for _ in range(3):
        page.keyboard.press("PageDown")
    chosen = page.locator("[aria-selected=true]")
    place = int(chosen.get_attribute("aria-posinset")) - 1
    assert int(chosen.locator(".cost").first.inner_text().split()[0]) == sorted(nfe, reverse=True)[place]
