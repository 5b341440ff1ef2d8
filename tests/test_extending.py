"""The examples of docs/extending run as they stand there."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from small_worlds import random_queries, transformer

import adaptive_diffusion as ad
from adaptive_diffusion.config import ConfigSearch, compose_part, instantiate

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "tests" / "extension" / "project"
PAGES = sorted((ROOT / "docs" / "extending").glob("*.md"))
BLOCKS = {
    name: code
    for page in PAGES
    for name, code in re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", page.read_text(), re.DOTALL)
}
OWN = {"my_rules.py", "configs/sampler/near.yaml"}


def test_examples_of_the_pages_are_the_files_that_the_tests_of_extension_run():
    files = {path.relative_to(PROJECT).as_posix() for path in PROJECT.rglob("*") if path.suffix in (".py", ".yaml")}
    assert BLOCKS.keys() == files | OWN
    assert {name for name in files if BLOCKS[name] != (PROJECT / name).read_text()} == set()


def test_every_page_is_linked_from_the_first():
    first = (ROOT / "docs" / "extending.md").read_text()
    assert [page.name for page in PAGES if f"(extending/{page.name})" not in first] == []


@pytest.fixture
def user(tmp_path, monkeypatch):
    """A folder outside the package with the two files of the short example."""
    for name in OWN:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(BLOCKS[name])
    monkeypatch.syspath_prepend(tmp_path)
    yield ConfigSearch.of([tmp_path / "configs"])
    sys.modules.pop("my_rules", None)


def test_order_of_the_user_is_chosen_by_its_class_path(user):
    unbound = instantiate(compose_part("sampler", "near", search=user), allow=("my_rules",))
    sampler = unbound(denoiser=transformer())
    assert type(sampler.order).__name__ == "NearWhatIsKnown"
    assert sampler.order.bonus == 0.2
    assert (sampler.sample(random_queries(5, 9, 5)).answers < 5).all()


def test_order_of_the_user_changes_what_comes_first(user):
    import my_rules

    queries = random_queries(30, 9, 5)
    near = ad.Sampler(transformer(), order=my_rules.NearWhatIsKnown(bonus=1.0)).sample(queries)
    assert not ad.Sampler(transformer()).sample(queries).answers.equal(near.answers)


def test_first_position_is_not_beside_the_last(user):
    import my_rules

    state = SimpleNamespace(open=torch.tensor([[True, True, True, False]]))
    candidate = SimpleNamespace(probability=torch.zeros(1, 4))
    assert my_rules.NearWhatIsKnown(bonus=1.0)(state, None, candidate).tolist() == [[0.0, 0.0, 1.0, 0.0]]


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Reads bytes as a file of queries of the task of the page."""
    monkeypatch.syspath_prepend(PROJECT)
    from countdown import Countdown

    def read(content, skip_bad):
        file = tmp_path / "queries.txt"
        file.write_bytes(content)
        return Countdown().read(file, skip_bad)

    return read


@pytest.mark.parametrize(("content", "skip_bad"), [(b"", False), (b"", True), (b"1 2\nx\n9 9 9 1000\n", True)])
def test_file_without_a_good_line_holds_no_problem(read, content, skip_bad):
    found = read(content, skip_bad)
    assert len(found.problems) == 0
    assert len(found.skipped) == content.count(b"\n")


@pytest.mark.parametrize("content", ["3 5 7 56\n\xe9\n".encode("latin-1"), "3 5 7 56\n".encode("utf-16"), b"3 5\n"])
def test_file_that_cannot_be_read_is_named(read, content):
    with pytest.raises(ValueError, match=r"queries\.txt"):
        read(content, False)


def test_module_of_the_user_is_refused_without_permission(user):
    with pytest.raises(ValueError, match="--allow-module my_rules"):
        instantiate(compose_part("sampler", "near", search=user))
