"""The structure of the package: imports point down, files are short, and each part relies on protocols only."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from collaborators import questions

PACKAGE = "adaptive_diffusion"
REPOSITORY = Path(__file__).parent.parent
ROOT = REPOSITORY / PACKAGE
LONGEST_FILE = 300
DRAWERS = {"utils", "util", "helpers", "helper", "misc", "common"}
FILES = sorted(ROOT.rglob("*.py"))

#: Files that may ask what an object is, and why: the object is foreign, untrusted, or a plain value. The test demands
#: exactly these, so that an entry goes when its code goes.
ALLOWED = {
    "analysis/table.py": {"isinstance Interval"},  # a cell is a text, a number or an interval: a plain value
    "config/instantiation.py": {"getattr __qualname__"},  # the name of any callable, for a message
    "config/targets.py": {"getattr __func__", "getattr attribute", "hasattr attribute"},  # resolves untrusted names
    "core/denoiser.py": {"except AttributeError"},  # names what a user's module lacks
    "models/pretrained/cut.py": {"hasattr in_features"},  # modules of transformers follow no common protocol
    "models/pretrained/denoiser.py": {"getattr gradient_checkpointing"},
    "models/pretrained/families.py": {"getattr padding_idx"},
    "models/pretrained/ids.py": {
        *("getattr eos_token_id", "getattr mask_token_id", "getattr name", "getattr pad_token_id")
    },
    "models/pretrained/loading.py": {"getattr self.dtype"},  # an attribute of torch, named in a config
    "sampling/checks.py": {"isinstance kind", "isinstance Queries"},  # what a config builds, and what a user passes
    "sampling/models.py": {"except AttributeError"},  # tells users to wrap a denoiser that has no heads
    "runs/trained_model.py": {"isinstance DenoiserWithHeads", "isinstance TaskData"},  # what an untrusted file builds
    "runs/memory.py": {"getattr mallopt"},  # a symbol of the C library
    "storage/checkpoint.py": {"getattr __name__", "getattr _orig_mod"},  # torch's overridden functions, torch.compile
    "storage/manifest.py": {"hasattr sched_getaffinity"},  # the platform
}

#: Words that belong to a task and are not used outside `tasks`, in names, strings, comments or docstrings.
TASK_WORDS = re.compile("sudoku|puzzle|clue|guesses", re.IGNORECASE)


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_imports_point_down():
    """The layers are in pyproject.toml; every package must have one. In a process of its own, because import-linter
    switches off the loggers of the process it runs in."""
    check = "import sys, importlinter.cli as c; sys.exit(c.lint_imports('pyproject.toml', no_cache=True, no_logo=True))"
    run = subprocess.run([sys.executable, "-c", check], cwd=REPOSITORY, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_files_have_at_most_three_hundred_lines():
    lengths = {name_of(file): len(file.read_text().splitlines()) for file in FILES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_file_or_folder_is_named_for_odds_and_ends():
    assert [name_of(file) for file in FILES if DRAWERS & {*file.relative_to(ROOT).with_suffix("").parts}] == []


def test_code_relies_on_protocols_instead_of_asking_objects_what_they_are():
    found = {}
    for file in FILES:
        package = file.relative_to(ROOT).with_suffix("").parts[0]
        if asked := set(questions(file.read_text(), package)):
            found[name_of(file)] = asked
    assert found == ALLOWED


def test_words_of_a_task_are_used_in_tasks_only():
    found = {}
    for file in sorted(path for path in ROOT.rglob("*") if path.suffix in {".py", ".js", ".j2", ".css"}):
        words = {match.lower() for match in TASK_WORDS.findall(file.read_text())}
        if words and file.relative_to(ROOT).parts[0] not in {"tasks", "configs"}:
            found[name_of(file)] = words
    assert found == {}


@pytest.mark.parametrize(
    ("source", "question"),
    [
        ("from adaptive_diffusion.models.heads import Head\nisinstance(x, Head)", "isinstance Head"),
        ("from adaptive_diffusion.models.heads import Head\nisinstance(x, int | Head)", "isinstance Head"),
        (
            "from adaptive_diffusion.models.heads import Head\nTYPES = (int, Head)\nisinstance(x, TYPES)",
            "isinstance Head",
        ),
        ("import adaptive_diffusion.models as models\nisinstance(x, models.Head)", "isinstance models.Head"),
        ("from adaptive_diffusion import models\nissubclass(x, models.Head)", "issubclass models.Head"),
        ("def f(x, kind):\n    return isinstance(x, kind)", "isinstance kind"),
        ("from adaptive_diffusion.models.heads import Head\ntype(x) is Head", "type Head"),
        ("from adaptive_diffusion.models.heads import Head\nmatch x:\n    case Head():\n        pass", "case Head"),
        ("hasattr(x, 'memory')", "hasattr memory"),
        ("getattr(x, 'memory', None)", "getattr memory"),
        ("getattr(x, 'memory')", "unused getattr(x, 'memory')"),
        ("try:\n    x.memory\nexcept AttributeError:\n    pass", "except AttributeError"),
    ],
)
def test_question_to_a_collaborator_is_found(source, question):
    assert questions(source, "rules") == [question]


@pytest.mark.parametrize(
    "source",
    [
        "isinstance(x, int | str | None)",
        "import torch\nisinstance(x, torch.Tensor)",
        "from collections.abc import Mapping\nisinstance(x, (Mapping, list))",
        "from adaptive_diffusion.rules.pace import Threshold\nisinstance(x, Threshold)",
        "class Own:\n    pass\nisinstance(x, Own)",
        "columns = [getattr(x, name) for name in names]",
        "try:\n    x['text'].encode()\nexcept (KeyError, AttributeError):\n    pass",
    ],
)
def test_check_of_a_plain_value_or_of_a_class_of_the_same_package_is_allowed(source):
    assert questions(source, "rules") == []
