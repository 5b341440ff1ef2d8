"""Pictures of the report's player in a real browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from synthetic_traces import Row, commit, edit, header, record

from adaptive_diffusion.analysis import player_pictures
from adaptive_diffusion.analysis.metrics import SamplerEntry
from adaptive_diffusion.analysis.report import build_report
from adaptive_diffusion.core.layout import TextLayout

pytestmark = pytest.mark.browser

PIXELS = """async (image) => {
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let red = 0, drawn = 0;
    for (let i = 0; i < data.length; i += 4) {
        drawn += data[i + 3] > 128;
        red += data[i + 3] > 128 && data[i] > 150 && data[i + 1] < 80 && data[i + 2] < 80;
    }
    return { red, drawn };
}"""
"""How many pixels of an image are drawn, and how many of them are red."""


def report(folder: Path, rows: list[Row], layout: TextLayout, picture: Callable[[Any], str | None]) -> str:
    """The address of a report of one sampler."""
    record(folder / "one", rows, described=header(layout=layout))
    entry, out = SamplerEntry("one", {}, Path("one")), folder / "report.html"
    build_report(folder, title="Pictures", samplers=[entry], out=out, picture=picture)
    return out.as_uri()


def test_molecule_is_drawn_in_each_step_and_red_where_it_is_none(tmp_path: Path, visit: Any):
    pytest.importorskip("rdkit", reason="needs the extra molecules")
    from adaptive_diffusion.tasks.molecules.task import MoleculeTask

    task = MoleculeTask(3)
    carbon, nitrogen, ring = (task.tokenizer.alphabet.index(symbol) for symbol in ("C", "N", "1"))
    steps = [[commit(0, carbon)], [commit(1, ring), commit(2, nitrogen)], [edit(1, carbon)]]
    address = report(
        tmp_path, [Row([-1, -1, -1], steps)], task.layout, lambda tokens: task.picture(torch.from_numpy(tokens))
    )
    page = visit(address, ".board")
    page.keyboard.press("Home")
    image = page.locator(".board img.sequence")
    sources, pixels = [], []
    for _ in range(4):
        assert image.is_visible()
        sources.append(image.get_attribute("src"))
        pixels.append(image.evaluate(PIXELS))
        page.keyboard.press("ArrowRight")
    assert len(set(sources)) == 4
    assert all(shown["drawn"] > 20 for shown in pixels)
    assert [shown["red"] > 20 for shown in pixels] == [False, False, True, False]  # C1N leaves its ring open
    page.keyboard.press("ArrowLeft")
    assert image.get_attribute("src") == sources[2]


def test_queries_beyond_the_budget_are_drawn_at_their_end(tmp_path: Path, visit: Any, monkeypatch: pytest.MonkeyPatch):
    def drawing(tokens: Any) -> str:
        return f'<svg xmlns="http://www.w3.org/2000/svg" width="{tokens[0] + 20}" height="20"></svg>'

    rows = [
        Row([-1], [[commit(0, 0)]], [0], query=0),
        Row([-1], [[commit(0, 1)], [edit(0, 0)]], [0], query=1),  # corrected, but not drawn in each step
        Row([-1], [[commit(0, 1)]], [0], query=2),
    ]
    monkeypatch.setattr(player_pictures, "MAX_ANSWERS", 2)
    monkeypatch.setattr(player_pictures, "MAX_BYTES", 350)  # two pictures: the start and the answer of the first
    page = visit(report(tmp_path, rows, TextLayout(("a", "b")), drawing), ".board")
    assert "pictures of its first 2 answers, and of every step of 1 of them" in page.inner_text(
        "#player .note >> nth=0"
    )
    image = page.locator(".board img.sequence")
    assert page.locator("[aria-selected=true] span").first.inner_text() == "#0"
    assert image.evaluate("(image) => image.naturalWidth") == 20
    page.keyboard.press("Home")
    image.evaluate("(image) => image.decode()")
    assert image.evaluate("(image) => image.naturalWidth") == 19
    page.focus("#list")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    assert image.is_visible()
    page.keyboard.press("ArrowLeft")
    assert not image.is_visible()
    page.keyboard.press("ArrowDown")
    assert image.count() == 0


def test_token_without_text_is_not_shown_as_an_open_position(tmp_path: Path, visit: Any):
    rows = [Row([1, -1], [[commit(1, 0)]])]
    page = visit(report(tmp_path, rows, TextLayout(("a", "")), player_pictures.no_picture), ".board")
    page.keyboard.press("Home")
    assert page.locator(".board .text > span .symbol").all_inner_texts() == ["∅", "·"]
    assert page.locator(".board .text > span .hidden").all_inner_texts()[0].strip() == "given"
    assert page.locator(".board img").count() == 0


def test_right_answer_other_than_the_reference_has_no_mistakes(tmp_path: Path, visit: Any):
    layout = TextLayout(("a", "b"))
    steps = [[commit(0, 1), commit(1, 1)], [edit(0, 0)]]  # a b, where b a is the reference
    found = {}
    for name, valid in (("right", True), ("wrong", False)):
        page = visit(
            report(tmp_path / name, [Row([-1, -1], steps, [1, 0], valid=valid)], layout, lambda _: None), ".board"
        )
        page.keyboard.press("End")
        last = page.locator(".board [data-wrong=true]").count()
        page.keyboard.press("ArrowLeft")
        found[name] = last, page.locator(".board [data-wrong=true]").count()
    assert found == {"right": (0, 1), "wrong": (2, 1)}
