"""Every number of the paper is followed to its result file; none is typed by hand, none is stale."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from paper import numbers
from paper.__main__ import GENERATED, PAPER, stale
from paper.figures import FIGURES
from paper.numbers import FORMATS, ROOT, SOURCES, Use, look_up, shown, uses
from paper.tables import TABLES

SECTIONS = {file.stem: file.read_text() for file in sorted((PAPER / "sections").glob("*.tex"))}
TEXT = "\n".join(SECTIONS.values())
MAIN = (PAPER / "main.tex").read_text()
GIVEN = dict(re.findall(r"\\defresult(\{.*?\}\{.*?\}\{.*?\})\{(.*)\}$", (GENERATED / "numbers.tex").read_text(), re.M))
NO_NUMBERS = (
    r"(?m)(?<!\\)%[^\n]*$",
    r"\\result\{[^}]*\}\{[^}]*\}\{[^}]*\}",
    r"\\(?:cite\w*|label|ref|resulttable)\{[^}]*\}",
    r"\\begin\{(align\*|equation)\}.*?\\end\{\1\}",
    r"\$(?:6\\times6|95\\%|[^$0-9]*[01]?[^$0-9]*)\$",
    r"\bP2\b",
)
"""What may hold digits: results, names, formulas; in the text's formulas the board, the level of intervals, indices."""
SCALE = {"percent": 100, "point": 100, "hundredths": 100, "points": 100}


def printed(use: Use) -> str:
    return GIVEN["".join(f"{{{part}}}" for part in use)]


def raw(use: Use) -> list[float]:
    """The numbers at a path, walked by hand."""
    value = json.loads((ROOT / SOURCES[use.source]).read_text())
    path = use.path
    while inner := re.search(r"\(([^()]*)\)", path):
        path = path.replace(inner[0], raw_name(value, inner[1].split(":")))
    keys = path.split(":")
    found = [value]
    for key in keys:
        found = [one for each in found for one in children(each, key)]
    if use.format == "spread":
        return [row["nfe_max"] / row["nfe_mean"] for row in found]
    return [number for one in found for number in (one.values() if isinstance(one, dict) else [one])]


def raw_name(value: dict, keys: list[str]) -> str:
    for key in keys:
        value = value[key]
    return str(value)


def children(value: object, key: str) -> list:
    if isinstance(value, list):
        return [row for row in value if key in ("*", row.get("sampler"), row.get("name"), row.get("model"))]
    assert isinstance(value, dict)
    return [value[key]]


def numbers_in(text: str) -> list[float]:
    plain = text.replace(r"$95\%$", "").replace(",", "")
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", plain)]


@pytest.mark.parametrize("use", [use for use in uses() if use.format not in ("name", "side")], ids=":".join)
def test_a_number_is_the_one_in_its_file(use: Use) -> None:
    found, text = raw(use), printed(use)
    described = numbers_in(text)
    wanted = [min(found)] if use.format == "lowest" else found
    decimals = max((len(part) for part in re.findall(r"\.(\d+)", text)), default=0)
    scaled = [SCALE.get(use.format, 1) * number for number in wanted]
    assert described == pytest.approx(scaled, abs=0.5 * 10**-decimals + 1e-9)


@pytest.mark.parametrize("use", [use for use in uses() if use.format == "side"], ids=":".join)
def test_a_word_of_comparison_follows_from_the_interval(use: Use) -> None:
    _, low, high = raw(use)
    assert printed(use) == ("above" if low > 0 else "below" if high < 0 else "not told apart from")


def test_what_is_committed_is_what_the_result_files_say() -> None:
    assert stale() == []


def test_another_result_makes_the_paper_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = json.loads((ROOT / SOURCES["quickstart"]).read_text())
    learned = next(row for row in changed["samplers"] if row["sampler"] == "learned")
    learned["exact"] -= 0.1
    honest = numbers.results
    monkeypatch.setattr(numbers, "results", lambda source: changed if source == "quickstart" else honest(source))
    assert "numbers.tex" in stale()


def test_a_result_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "later", "experiments/later/results/summary.json")
    with pytest.raises(ValueError, match="experiments/later/results/summary.json is missing"):
        look_up("later", "exact")
    with pytest.raises(ValueError, match="there is no 'exakt'"):
        shown(Use("quickstart", "samplers:learned:exakt", "percent"))


@pytest.mark.parametrize("name", SECTIONS)
def test_no_number_is_typed_by_hand(name: str) -> None:
    text = SECTIONS[name]
    for allowed in NO_NUMBERS:
        text = re.sub(allowed, "", text, flags=re.S)
    assert re.findall(r"[^\n]*\d[^\n]*", text) == []


def test_every_section_is_in_the_paper_and_every_table_and_figure_exists() -> None:
    assert set(re.findall(r"\\input\{sections/(\w+)\}", MAIN)) == set(SECTIONS)
    assert set(re.findall(r"\\resulttable\{(\w+)\}", TEXT)) == set(TABLES)
    assert set(re.findall(r"\\resultfigure\{(\w+)\}", TEXT)) == set(FIGURES)
    assert {use.source for use in uses()} == set(SOURCES)
    assert {use.format for use in uses()} <= set(FORMATS)


def test_what_is_cited_is_in_the_bibliography_and_nothing_else() -> None:
    cited = {key.strip() for keys in re.findall(r"\\cite\w*\{([^}]*)\}", TEXT) for key in keys.split(",")}
    assert cited == set(re.findall(r"@\w+\{([^,]+),", (PAPER / "references.bib").read_text()))


def test_labels_that_are_referred_to_exist() -> None:
    made = set(re.findall(r"\\label\{([^}]*)\}", TEXT))
    made |= {f"fig:{name}" for name in FIGURES} | {f"tab:{name}" for name in TABLES}
    assert set(re.findall(r"\\ref\{([^}]*)\}", TEXT)) <= made


@pytest.mark.slow
def test_the_paper_is_built_and_has_at_least_six_pages(tmp_path: Path) -> None:
    if not shutil.which("latexmk"):
        pytest.skip("needs LaTeX: apt install latexmk texlive-latex-extra")
    subprocess.run(["make", "-C", str(ROOT), "paper"], check=True, capture_output=True)
    log = (PAPER / "build" / "main.log").read_text(errors="replace")
    pages = re.search(r"Output written on build/main\.pdf \((\d+) pages", log)
    assert pages
    assert int(pages[1]) >= 6
    assert "undefined" not in re.sub(r"(?s)Package: .*?\n\n", "", log).lower().split("output written")[0][-3000:]
