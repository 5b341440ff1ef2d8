"""Samplers are named by a config, with overrides; tables show a name, and know the family."""

import pytest

from adaptive_diffusion.config import named_sampler, named_samplers


def names(listed):
    return [(one.name, one.family) for one in named_samplers(listed)]


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (["confidence"], [("confidence", "confidence")]),
        (["threshold pace.threshold=0.9"], [("threshold_0.9", "threshold")]),
        (["threshold pace.threshold=0.8,0.9"], [("threshold_0.8", "threshold"), ("threshold_0.9", "threshold")]),
        (["fixed pace.steps=4,8 +block_length=4"], [("fixed_4", "fixed"), ("fixed_8", "fixed")]),
        (["careful=threshold pace.threshold=0.99"], [("careful", "threshold")]),
        ({"careful": "threshold pace.threshold=0.99", "m": "margin"}, [("careful", "threshold"), ("m", "margin")]),
    ],
)  # fmt: skip
def test_names_follow_what_varies(listed, expected):
    assert names(listed) == expected


def test_the_node_is_the_config_with_the_overrides():
    one = named_sampler("threshold pace.threshold=0.75")
    assert one.node["pace"]["threshold"] == 0.75
    assert one.node["_target_"].endswith("Sampler")


def test_a_resolved_list_stays_as_it_is():
    once = {one.name: one.as_node() for one in named_samplers(["threshold pace.threshold=0.8,0.9", "margin"])}
    assert {one.name: one.as_node() for one in named_samplers(once)} == once


@pytest.mark.parametrize(
    ("listed", "sentence"),
    [
        ("confidence", r"write \['confidence'\]"),
        (["tresholt"], "There is no sampler 'tresholt'. The nearest is 'threshold'"),
        (["threshold pace.treshold=1"], "nearest is 'pace.threshold'"),
        (["threshold", "threshold"], "Two samplers are called 'threshold'"),
        (["threshold pace.threshold=0.9", "threshold_0.9=margin"], "Two samplers are called 'threshold_0.9'"),
        (["a=threshold pace.threshold=0.8,0.9"], "gives one name to 2 samplers"),
        (
            ["threshold pace.threshold=[1,2]"],
            r"The value '\[1,2\]' of 'pace.threshold=.* cannot stand in the name",
        ),
        (["threshold pace.threshold=../1"], r"The value '../1' of .*: NAME=threshold pace.threshold=../1$"),
        (["../x=margin"], "cannot name a sampler"),
        ([""], "does not name a sampler"),
        ([3], "does not name a sampler"),
        (["margin 'open"], "does not name a sampler"),
        ({"a": 3}, "must be text such as"),
        ({"a": {"family": "margin", "sampler": 3}}, "must be text such as"),
    ],
)
def test_what_names_no_sampler_is_refused(listed, sentence):
    with pytest.raises(ValueError, match=sentence):
        named_samplers(listed)


def test_several_values_where_one_sampler_is_needed_are_refused():
    with pytest.raises(ValueError, match="names 2 samplers, but one is needed here"):
        named_sampler("threshold pace.threshold=0.8,0.9")
