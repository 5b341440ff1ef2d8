"""User-facing text uses the words of the field: the worst of the words we dropped do not come back."""

import ast
import re
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "adaptive_diffusion"
DOCUMENTS = [PACKAGE.parent / "README.md", PACKAGE.parent / "CONTRIBUTING.md"]
#: Words of the old vocabulary, and words that make a program a person.
DROPPED = re.compile(
    r"\b(canvas(es)?|stranger'?s?|manners|lest|for ever|hasty|reluctance"
    r"|a (head|rule|model|file) (says|tells|knows))\b",
    re.IGNORECASE,
)
#: The name of a part of DiffusionGemma's own code, which calls its blocks so.
FOREIGN = {"models/pretrained/diffusion_gemma.py", "plugins/lm_eval/model.py", "plugins/lm_eval/requests.py"}


def texts(source: str) -> list[str]:
    """Every docstring, message and help text of a module: its string constants."""
    return [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_docstrings_messages_and_help_are_free_of_dropped_words():
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        name = file.relative_to(PACKAGE).as_posix()
        words = {match[0].lower() for text in texts(file.read_text()) for match in DROPPED.finditer(text)}
        if words and name not in FOREIGN:
            found[name] = words
    assert found == {}


def test_documents_are_free_of_dropped_words():
    assert {file.name: found for file in DOCUMENTS if (found := DROPPED.findall(file.read_text()))} == {}


def test_names_of_tests_are_free_of_dropped_words():
    names = {}
    for file in sorted(Path(__file__).parent.rglob("test_*.py")):
        for name in re.findall(r"^\s*def (test_\w+)", file.read_text(), re.MULTILINE):
            if DROPPED.search(name.replace("_", " ")):
                names[name] = file.name
    assert names == {}
