"""Texts for readers use the words of the field: the worst of the words that were dropped do not come back."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "adaptive_diffusion"
#: Words of an old vocabulary, leftovers of mechanical renames, and words that make a program a person.
DROPPED = re.compile(
    r"\b(canvas(es)?|stranger'?s?|manners|lest|for ever|without endy"
    r"|hasty|hastily|reluctant|reluctance|re-?open(s|ed|ing|ings)?|seats?|seated"
    r"|(a|the) (head|rule|model|file|event) (says?|tells?|knows?))\b"
    r"|\bTrainingStates \[",
    re.IGNORECASE,
)
DOCUMENTS = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/**/*.md",
    "experiments/*/README.md",
    "configs/**/*.yaml",
    "paper/sections/*.tex",
)
PROGRAMS = ("tests", "benchmarks", "experiments", "examples", "scripts", "paper")


def strings(source: str) -> Iterator[str]:
    """Every docstring, message and help text of a module: its string constants."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def docstrings(source: str) -> Iterator[str]:
    """The docstrings of a module, its classes and its functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node, clean=False) or ""


def comments(source: str) -> str:
    """The comments of a module, one after another, so that a phrase is found across lines."""
    return " ".join(re.findall(r"(?:^|\s)#:? (.*)", source))


def dropped(texts: Iterator[str] | list[str]) -> set[str]:
    """The dropped words in these texts, whose lines may break within a phrase."""
    return {match[0].lower() for text in texts for match in DROPPED.finditer(re.sub(r"[\s#]+", " ", text))}


def found(files: list[Path], read) -> dict[str, set[str]]:
    """The dropped words of every file that has some, `read` giving the texts of its source."""
    words = {file.relative_to(ROOT).as_posix(): dropped(read(file.read_text(encoding="utf-8"))) for file in files}
    return {name: of_file for name, of_file in words.items() if of_file}


def test_words_are_found_across_lines_and_only_where_they_are_words():
    assert dropped(["What a\n# head\n    tells is hasty.", "reopened"]) == {"a head tells", "hasty", "reopened"}
    assert dropped(["a value for every row", "the largest", "`canvas_length`", "the headset says"]) == set()


def test_strings_and_comments_of_the_package_are_free_of_dropped_words():
    files = sorted(PACKAGE.rglob("*.py"))
    assert found(files, lambda source: [*strings(source), comments(source)]) == {}


def test_docstrings_of_other_programs_are_free_of_dropped_words():
    files = [file for folder in PROGRAMS for file in sorted((ROOT / folder).rglob("*.py"))]
    assert found(files, docstrings) == {}


def test_documents_are_free_of_dropped_words():
    files = sorted({file for place in DOCUMENTS for file in ROOT.glob(place)})
    assert len(files) > 100
    assert found(files, lambda text: [text]) == {}


def test_names_of_tests_are_free_of_dropped_words():
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    names = [name for file in files for name in re.findall(r"^\s*def (test_\w+)", file.read_text(), re.MULTILINE)]
    assert {name: words for name in names if (words := dropped([name.replace("_", " ")]))} == {}
