"""The report is one file that can run its own code and nothing else."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from synthetic_traces import Row, commit, header, record, simulate

from adaptive_diffusion.analysis.metrics import SamplerEntry
from adaptive_diffusion.analysis.report import build_report
from adaptive_diffusion.core.layout import TextLayout


class Page(HTMLParser):
    """Tags with their attributes, and the raw text of scripts and styles."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.inline: list[tuple[str, dict, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in ("script", "style") and data.strip():
            self.inline.append((*self.tags[-1], data))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("run")
    entries = []
    for name, learned in (("threshold_0.9", False), ("learned", True)):
        simulate(folder / "traces" / name, 12, side=4, mistake=0.05, finds=0.5, learned=learned)
        entries.append(SamplerEntry(name, {"correct": 0.975, "queries": 12}, Path("traces") / name))
    return build_report(folder, title="4×4", samplers=entries, out=folder / "report.html")


def test_single_sampler_is_counted_in_the_singular(report: Path):
    folder = report.parent
    (one,) = [SamplerEntry("learned", {"correct": 0.975, "queries": 12}, Path("traces") / "learned")]
    alone = build_report(folder, title="4×4", samplers=[one], out=folder / "alone.html").read_text(encoding="utf-8")
    assert ">1 sampler, 12 queries, " in alone
    assert ">2 samplers, 12 queries, " in report.read_text(encoding="utf-8")


def test_every_table_scrolls_in_a_box_that_shows_where_columns_are_hidden(report: Path):
    page = report.read_text(encoding="utf-8")
    tables = re.findall(r'(<div class="scroll"[^>]*>)?\s*<table class="sheet">', page)
    assert tables
    assert all(tables)
    assert "linear-gradient(to left, var(--shade)) right" in page


def test_every_script_and_style_is_allowed_by_its_hash_and_nothing_else_is(report: Path):
    page = Page(report.read_text(encoding="utf-8"))
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv"))
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert not re.search("unsafe|http|\\*", policy)
    for tag, attrs, text in page.inline:
        if attrs.get("type") != "application/json":
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in rules[f"{tag}-src"].split()


def test_nothing_points_outside_the_page(report: Path):
    page = Page(report.read_text(encoding="utf-8"))
    targets = [attrs[name] for _, attrs in page.tags for name in ("src", "href", "action") if name in attrs]
    assert targets
    assert all(target.startswith(("#", "data:")) for target in targets)
    assert not any("style" in attrs or any(name.startswith("on") for name in attrs) for _, attrs in page.tags)


def test_every_picture_has_a_text_and_every_control_a_label(report: Path):
    page = Page(report.read_text(encoding="utf-8"))
    assert all(attrs["alt"] for tag, attrs in page.tags if tag == "img")
    assert all(attrs.get("aria-label") for tag, attrs in page.tags if tag == "button" and attrs.get("id") != "theme")
    assert "Theme: auto" in report.read_text(encoding="utf-8")  # the text of that button is its name


def test_the_figures_of_the_summary_are_in_the_page(report: Path):
    text = report.read_text(encoding="utf-8")
    assert "97.5" in text
    assert text.count("<figure") == 7


def test_text_is_never_markup(tmp_path: Path):
    evil = "</script><script>alert(1)</script>"
    described = header(TextLayout((evil, "b")), noun=evil, task=evil)
    record(tmp_path / "trace", [Row([-1, 1], [[commit(0, 0)]], halt_reason=evil)], described=described)
    entry = SamplerEntry(evil, {}, Path("trace"))
    out = build_report(tmp_path, title=evil, samplers=[entry], out=tmp_path / "r.html")
    page = Page(out.read_text(encoding="utf-8"))
    assert not any("alert" in text for tag, attrs, text in page.inline if attrs.get("type") != "application/json")
    data = json.loads(next(text for _, attrs, text in page.inline if attrs.get("type") == "application/json"))
    assert set(data["symbols"]) == {evil, "b"}
    assert data["samplers"][0]["rows"]["halt_reason"] == [evil]


def test_a_capped_player_says_so(tmp_path: Path):
    simulate(tmp_path / "trace", 12, side=4)
    entry = SamplerEntry("x", {}, Path("trace"))
    out = tmp_path / "r.html"
    text = build_report(tmp_path, title="", samplers=[entry], out=out, max_queries=5).read_text("utf-8")
    assert "The player holds 5 of the 12 queries" in text


def test_figures_are_written_beside_the_report_into_a_given_folder(tmp_path: Path):
    simulate(tmp_path / "trace", 4, side=4)
    entry = SamplerEntry("x", {}, Path("trace"))
    build_report(tmp_path, title="", samplers=[entry], out=tmp_path / "r.html", figures=tmp_path / "f")
    assert (tmp_path / "f" / "accuracy_nfe.png").exists()


def test_a_report_of_nothing_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="at least one sampler"):
        build_report(tmp_path, title="", samplers=[], out=tmp_path / "r.html")
