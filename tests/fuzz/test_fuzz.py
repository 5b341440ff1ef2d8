"""Bad input is refused with a sentence: every failure that was ever found, and a few fresh cases of each kind."""

import pytest
from fuzz.targets import CORPUS, TARGETS, case, outcome
from fuzz.texts import puzzles

FRESH = {"composed": 4, "trace_bytes": 40, "source": 20, "puzzles": 100}
FOUND = sorted(path for path in CORPUS.glob("*/*"))


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_once_failed_is_refused_or_taken(path, tmp_path):
    assert outcome(path.parent.name, path.read_bytes(), tmp_path) in ("taken", "refused")


@pytest.mark.parametrize("target", TARGETS)
def test_fresh_cases_are_refused_or_taken(target, tmp_path):
    found = [outcome(target, case(target, number, 1), tmp_path) for number in range(FRESH.get(target, 60))]
    assert "taken" in found or target in ("trace_bytes", "composed"), "mutations are too wild to get anywhere"


def test_a_target_that_fails_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr("fuzz.texts.read_puzzles", lambda *_, **__: {}["defect"])
    with pytest.raises(KeyError):
        puzzles(b"x", tmp_path)
