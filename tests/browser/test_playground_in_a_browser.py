"""The playground in a real browser: what its buttons, sliders and clicks do to the boards that are shown."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from adaptive_diffusion.playground.limits import Limits
from adaptive_diffusion.playground.session import Playground
from adaptive_diffusion.runs.trained_model import load_trained_model

pytestmark = pytest.mark.browser

CELL = "#query .cell"
MODEL, REVISED = "sudoku-6x6", 7
"""`REVISED` is a held-out query for which `cost_aware` takes tokens back, and `threshold` gives a wrong answer."""


@pytest.fixture(scope="module")
def playground() -> Playground:
    pytest.importorskip("gradio", reason="needs the extra: pip install adaptive-diffusion[play]")
    return Playground(load_trained_model(MODEL), MODEL, Limits(users=50))


@contextmanager
def served(playground: Playground) -> Iterator[str]:
    from adaptive_diffusion.playground.app import serve

    blocks, where = serve(playground, "127.0.0.1", 0, wait=False)
    yield where
    blocks.close()


@pytest.fixture(scope="module")
def address(playground: Playground) -> Iterator[str]:
    with served(playground) as where:
        yield where


@pytest.fixture
def page(address: str, visit: Any) -> Any:
    return visit(address, CELL)


def note(page: Any, text: str) -> None:
    page.wait_for_function("text => document.querySelector('#note').innerText.includes(text)", arg=text)


def draw(page: Any, number: int) -> None:
    page.fill("#number input", str(number))
    page.press("#number input", "Enter")
    note(page, "A held-out query")


def set_number(page: Any, slider: str, value: float) -> None:
    page.fill(f"{slider} input[type=number]", str(value))
    page.press(f"{slider} input[type=number]", "Tab")


def choose(page: Any, dropdown: str, name: str) -> None:
    page.fill(f"{dropdown} input", name)
    page.get_by_role("option", name=name, exact=True).click()


def solve(page: Any) -> None:
    set_number(page, "#pause", 0)
    page.click("#solve")
    note(page, "Done after")


def symbols(page: Any, board: str) -> list[str]:
    return page.locator(f"{board} .cell").all_inner_texts()


def test_query_is_solved_and_stepped_through_with_what_was_taken_back_and_why_it_stopped(page: Any):
    draw(page, REVISED)
    solve(page)
    story = page.locator("#lanes .story")
    assert "It stopped: the halting head predicts" in story.inner_text()
    assert page.inner_text("#lanes .badge") == "correct"
    assert "·" not in symbols(page, "#lanes")
    steps = int(page.get_attribute("#step input[type=range]", "max"))
    told = [story.inner_text()]
    for step in range(steps - 1, -1, -1):
        page.click("#back")
        page.wait_for_function(
            "step => document.querySelector('#lanes .story').innerText.startsWith(step)",
            arg=f"Step {step}:" if step else "At the start",
        )
        told.append(story.inner_text())
    assert any("taken back" in text for text in told)
    assert symbols(page, "#lanes") == symbols(page, "#query")
    page.click("#forth")
    page.wait_for_function("() => document.querySelector('#lanes .story').innerText.startsWith('Step 1')")


def test_two_samplers_stand_against_each_other_with_their_cost_and_their_points_on_the_curve(page: Any):
    draw(page, REVISED)
    choose(page, "#against", "threshold")
    page.wait_for_function("() => document.querySelectorAll('#curve .here').length === 2")
    solve(page)
    lanes = page.locator("#lanes .lane")
    assert lanes.locator("h3").all_inner_texts() == ["cost_aware at 0.01\ncorrect", "threshold at 0.9\nwrong"]
    costs = [int(re.findall(r"(\d+) NFE", text)[0]) for text in lanes.locator(".cost").all_inner_texts()]
    assert costs[0] < costs[1]
    before = page.inner_text("#curve figcaption")
    set_number(page, "#against-setting", 8)
    page.wait_for_function("old => document.querySelector('#curve figcaption').innerText !== old", arg=before)
    assert "threshold at 0.95" in page.inner_text("#curve figcaption")
    assert "pace.threshold = 0.95" in page.inner_text("#against-setting")


def test_query_that_is_answered_several_times_shows_its_tries(page: Any):
    draw(page, REVISED)
    choose(page, "#sampler", "restart")
    solve(page)
    note = page.locator("#lanes .story")
    steps = int(page.get_attribute("#step input[type=range]", "max"))
    stories = []
    for step in range(steps, 0, -1):
        page.wait_for_function(
            "step => document.querySelector('#lanes .story').innerText.startsWith(step)", arg=f"Step {step}:"
        )
        stories.append(note.inner_text())
        page.click("#back")
    assert any("Try 1 of 4 ended" in story for story in stories)


def test_variations_stand_side_by_side(page: Any):
    set_number(page, "#variations", 3)
    solve(page)
    titles = page.locator("#lanes h3").all_inner_texts()
    assert [title.split("\n")[0] for title in titles] == [f"cost_aware at 0.01, variation {n}" for n in range(3)]


def test_token_of_the_query_is_written_locked_and_erased_by_clicks(page: Any):
    cell = page.locator("#query .cell.open").first
    place = cell.get_attribute("data-position")
    here = f'#query [data-position="{place}"]'
    page.fill("#token input, #token textarea", "4")
    cell.click()
    page.wait_for_selector(f"{here}.given")
    assert page.inner_text(here) == "4"
    page.locator("#tool").get_by_text("locks").click()
    page.click(here)
    page.wait_for_selector(f"{here}.free")
    page.locator("#tool").get_by_text("erases").click()
    page.focus(here)
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{here}.open")
    page.wait_for_function("here => document.activeElement === document.querySelector(here)", arg=here)


def test_token_is_changed_in_mid_run_and_the_sampler_goes_on_around_it(page: Any):
    draw(page, REVISED)
    solve(page)
    set_number(page, "#step", 1)
    page.wait_for_function("() => document.querySelector('#lanes .story').innerText.startsWith('Step 1')")
    place = page.locator("#lanes .cell.open").first.get_attribute("data-position")
    here = f'#lanes [data-position="{place}"]'
    page.fill("#token input, #token textarea", "6")
    page.click(here)
    page.wait_for_selector(f"{here}.by-hand")
    assert "changed by you" in page.inner_text("#lanes .story")
    page.click("#go-on")
    note(page, "Done after")
    assert page.inner_text(here) == "6"
    assert "·" not in symbols(page, "#lanes")


def test_solving_is_stopped_and_goes_on(page: Any):
    choose(page, "#against", "confidence")
    page.wait_for_function("() => document.querySelectorAll('#curve .here').length === 2")
    set_number(page, "#pause", 1)
    page.click("#solve")
    page.wait_for_function("() => document.querySelectorAll('#lanes .lane').length === 2")
    page.click("#stop")
    note(page, "Stopped")
    assert "·" in symbols(page, "#lanes")
    set_number(page, "#pause", 0)
    page.click("#go-on")
    note(page, "Done after")
    assert "·" not in symbols(page, "#lanes")


def test_typed_query_is_read_and_a_hostile_one_gets_a_sentence(page: Any):
    page.get_by_text("Type a query").click()
    page.fill("#text textarea", "<img src=x onerror=alert(1)>" * 20)
    page.click("#use")
    page.wait_for_selector("#note .refused")
    assert page.locator("#note img").count() == 0
    page.fill("#text textarea", "123456456123231564564231312645645.12")
    page.click("#use")
    note(page, "Your query")
    assert symbols(page, "#query").count("·") == 1


def test_third_window_is_refused_while_two_are_in_use(playground: Playground, visit: Any):
    with served(replace(playground, limits=Limits(users=2))) as where:
        windows = [visit(where, CELL) for _ in range(3)]
        for window in windows[:2]:
            draw(window, 1)
        windows[2].click("#draw")
        windows[2].wait_for_selector("#note .refused")
        assert "2 people use this playground" in windows[2].inner_text("#note")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_breaks_no_rule_of_accessibility_and_fits_a_phone(address: str, visit: Any, axe: str, theme: str):
    page = visit(f"{address}?__theme={theme}", CELL)
    solve(page)
    page.evaluate(axe)
    found = page.evaluate("() => axe.run(document, {preload: false})")
    assert [(broken["id"], [node["html"][:120] for node in broken["nodes"]]) for broken in found["violations"]] == []
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(500)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
