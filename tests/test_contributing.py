"""The example of CONTRIBUTING.md, run exactly as it stands there."""

import re
import sys
from pathlib import Path

import pytest
from small_worlds import random_queries, transformer

from adaptive_diffusion.config import ConfigSearch, compose_part, instantiate

ROOT = Path(__file__).parent.parent
SECTION = (ROOT / "CONTRIBUTING.md").read_text().split("## Add a rule in 20 lines")[1].split("\n## ")[0]


def example(language):
    [block] = re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)
    return block


@pytest.fixture
def user(tmp_path, monkeypatch):
    """A folder outside the package with the example's two files."""
    (tmp_path / "my_rules.py").write_text(example("python"))
    (tmp_path / "configs" / "sampler").mkdir(parents=True)
    (tmp_path / "configs" / "sampler" / "near.yaml").write_text(example("yaml"))
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "configs"
    sys.modules.pop("my_rules", None)


def test_a_rule_of_twenty_lines_is_chosen_by_its_class_path(user):
    recipe = instantiate(compose_part("sampler", "near", search=ConfigSearch.of([user])), allow=("my_rules",))
    sampler = recipe(denoiser=transformer())
    assert type(sampler.order).__name__ == "NearWhatIsKnown"
    assert sampler.order.bonus == 0.2
    result = sampler.sample(random_queries(5, 9, 5))
    assert (result.answers < 5).all()


def test_the_rule_changes_what_comes_first(user):
    import my_rules

    from adaptive_diffusion.sampling import Sampler

    queries = random_queries(30, 9, 5)
    plain = Sampler(transformer()).sample(queries)
    near = Sampler(transformer(), order=my_rules.NearWhatIsKnown(bonus=1.0)).sample(queries)
    assert not plain.answers.equal(near.answers)


def test_without_permission_it_is_refused(user):
    with pytest.raises(ValueError, match="--allow-module my_rules"):
        instantiate(compose_part("sampler", "near", search=ConfigSearch.of([user])))


def test_it_is_twenty_lines():
    code = [line for line in example("python").splitlines() if line.strip() and not line.startswith("#")]
    assert len(code) <= 20
