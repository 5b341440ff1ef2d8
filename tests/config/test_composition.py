"""What a user types at the command line becomes a config, or a sentence that helps."""

import pytest

from adaptive_diffusion.config import choices, compose, compose_part, resolve


def test_an_experiment_is_a_difference_to_the_root(folder):
    assert compose(search=folder).queries == 100
    config = compose("quickstart", search=folder)
    assert (config.queries, config.order.seed) == (7, 3)


def test_overrides_come_last(folder):
    config = compose("quickstart", ["queries=8", "denoiser.depth=6", "order=margin", "+extra.note=x"], folder)
    assert (config.queries, config.denoiser.depth, config.extra.note) == (8, 6, "x")
    assert "seed" not in config.order


def test_composing_twice_gives_the_same(folder):
    assert compose("quickstart", search=folder) == compose("quickstart", search=folder)


@pytest.mark.parametrize(
    ("override", "nearest"),
    [
        ("denoiser.dept=6", "denoiser.depth"),
        ("denoyser.depth=6", "denoiser.depth"),
        ("querys=3", "queries"),
        ("ordr=margin", "order"),
        ("order=margn", "margin"),
        ("~querries", "queries"),
    ],
)
def test_the_message_for_a_typo_has_the_nearest_name(folder, override, nearest):
    with pytest.raises(ValueError, match=f"nearest is '{nearest}'"):
        compose("quickstart", ["seed=1", override], folder)


def test_the_message_for_an_unknown_key_shows_how_to_add_it(folder):
    with pytest.raises(ValueError, match=r"write '\+denoiser\.dept=6'"):
        compose(None, ["denoiser.dept=6"], folder)


def test_a_typo_beside_an_unknown_choice_is_still_explained(folder):
    with pytest.raises(ValueError, match=r"no order 'nix'\. Known: margin, random"):
        compose(None, ["order=nix", "querys=3"], folder)


@pytest.mark.parametrize("override", ["queries", "queries=(1", "=3", "queries=1,2", "a b=3", "queries=${", "", "~"])
def test_an_override_outside_the_grammar_is_one_sentence(folder, override):
    with pytest.raises(ValueError, match=r"\S") as caught:
        compose(None, [override], folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "override", ["hydra.searchpath=[pkg://owned]", "hydra.run.dir=elsewhere", "hydra/launcher=basic"]
)
def test_settings_of_hydra_itself_are_refused(folder, override):
    with pytest.raises(ValueError, match="There is no key 'hydra"):
        compose(None, [override], folder)
    assert "hydra" not in compose(search=folder)


@pytest.mark.parametrize("override", ["order=../../secret", "order=/etc/passwd", "../order=margin", "/order=margin"])
def test_a_choice_cannot_leave_the_folder(folder, override):
    (folder.folders[0].parent / "secret.yaml").write_text("stolen: 1")
    with pytest.raises(ValueError, match=r"\S"):
        compose(None, [override], folder)


@pytest.mark.parametrize("name", ["../secret", "a/../../secret", "/etc/passwd", "", "quick start", "a\0b"])
def test_an_experiment_name_cannot_leave_the_folder(folder, name):
    with pytest.raises(ValueError, match="cannot be the name of an experiment"):
        compose(name, search=folder)


def test_the_message_for_an_unknown_experiment_has_the_nearest_name(folder):
    with pytest.raises(ValueError, match="nearest is 'quickstart'"):
        compose("quikstart", search=folder)


@pytest.mark.parametrize("name", ["encyclopaedia", "novels", "glosses"])
def test_a_corpus_is_named_by_its_word_alone(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = resolve(compose("text", [f"task.corpus={name}"]))
    assert found == resolve(compose("text", [f"+corpus@task.corpus={name}"]))


def test_a_file_of_the_name_of_a_corpus_comes_first_and_other_words_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "novels").mkdir()
    for path in ("novels", "novel", "no.such/place"):
        assert compose("text", [f"task.corpus={path}"]).task.corpus == path
    assert compose("text").task.corpus is None


def test_one_part_is_composed_alone_with_overrides_below_it(folder):
    assert choices("sampler", folder) == ["threshold_0.9"]
    assert compose_part("sampler", "threshold_0.9", ["pace.threshold=0.8"], folder).pace.threshold == 0.8
    with pytest.raises(ValueError, match=r"nearest is 'threshold_0\.9'"):
        compose_part("sampler", "threshold_9", search=folder)
    with pytest.raises(ValueError, match=r"nearest is 'pace\.threshold'.*write '\+pace\.treshold=0\.8'"):
        compose_part("sampler", "threshold_0.9", ["pace.treshold=0.8"], folder)


def test_references_to_keys_are_resolved_also_from_a_branch(folder):
    config = compose("quickstart", ["width=64"], folder)
    assert resolve(config)["denoiser"]["width"] == 64
    assert resolve(config.denoiser) == {"depth": 4, "width": 64}


@pytest.mark.parametrize(
    "value",
    [
        "${oc.env:HOME}",
        "a${oc.env:HOME}b",
        "${ oc.env : HOME }",
        "${oc.${name}:HOME}",
        '${oc.decode:"1"}',
        "${oc.select:seed,'${oc.env:HOME}'}",
        "${hydra:runtime.cwd}",
        r"\${oc.env:HOME}",
    ],
)
def test_a_resolver_is_refused_and_never_runs(folder, monkeypatch, value):
    monkeypatch.setenv("HOME", "do-not-read")
    config = compose(search=folder)
    config.denoiser.depth = value
    with pytest.raises(ValueError, match="refused"):
        resolve(config)
    with pytest.raises(ValueError, match="refused"):
        resolve(config.order)


def test_references_cannot_be_put_together_to_an_interpolation(folder):
    with pytest.raises(ValueError, match="refused"):
        resolve({"dollar": "$", "text": "${dollar}{oc.env:HOME}"})


def test_a_value_still_to_be_given_is_named(folder):
    with pytest.raises(ValueError, match=r"denoiser\.depth has no value yet: add denoiser\.depth="):
        resolve(compose(None, ["denoiser.depth=???"], folder))


def test_a_reference_to_nothing_or_to_itself_is_a_sentence():
    for broken in ({"a": "${b}"}, {"a": "${a}"}):
        with pytest.raises(ValueError, match="cannot be resolved"):
            resolve(broken)


def test_a_key_that_is_no_text_is_refused():
    with pytest.raises(ValueError, match="a has the key 1; keys must be text"):
        resolve({"a": {1: 2}})


def test_bottomless_nesting_is_refused():
    node: dict = {}
    for _ in range(100):
        node = {"a": node}
    with pytest.raises(ValueError, match="levels deep"):
        resolve(node)
