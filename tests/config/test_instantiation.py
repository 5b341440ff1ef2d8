"""Untrusted configs name what to call; only parts are called, and only after the complete config has been checked."""

import functools
import sys

import pytest

from adaptive_diffusion.config import check, compose, differences, digest, instantiate, instantiate_outer
from adaptive_diffusion.core.schedule import Cosine, Linear

LINEAR = "adaptive_diffusion.core.schedule.Linear"
THRESHOLD = "adaptive_diffusion.rules.pace.Threshold"
DENOISER = "adaptive_diffusion.models.transformer.TransformerDenoiser"


def test_a_node_becomes_the_part_it_names(folder):
    assert isinstance(instantiate(compose(search=folder).order), Linear)
    assert instantiate({"a": [{"_target_": LINEAR}], "b": 1}) == {"a": [Linear()], "b": 1}


def test_parts_within_parts_positional_arguments_and_classes_of_a_user(user_module):
    node = {"_target_": f"{user_module}.Net", "_args_": [4], "inner": {"_target_": LINEAR}}
    net = instantiate(node, allow=[user_module])
    assert (net.width, net.inner) == (4, Linear())


def test_a_partial_binds_and_does_not_call(user_module):
    bound = instantiate({"_target_": f"{user_module}.Net", "_partial_": True, "inner": 2}, allow=[user_module])
    assert isinstance(bound, functools.partial)
    assert bound(5).inner == 2


def test_only_the_outer_node_is_built_and_inner_nodes_are_checked(user_module):
    inner = {"_target_": LINEAR}
    node = {"_target_": f"{user_module}.Net", "width": 1, "inner": inner}
    assert instantiate_outer(node, "net", [user_module]).inner == inner
    with pytest.raises(ValueError, match="^net.inner: _target_ 'os.system' is refused"):
        instantiate_outer(node | {"inner": {"_target_": "os.system", "command": "true"}}, "net", [user_module])
    with pytest.raises(ValueError, match="^net: it has no _target_"):
        instantiate_outer({"width": 1}, "net")


def test_functions_and_class_methods_of_an_allowed_module_may_be_called(user_module):
    assert instantiate({"_target_": f"{user_module}.build", "width": 2}, allow=[user_module]).width == 2
    assert instantiate({"_target_": f"{user_module}.Net.small"}, allow=[user_module]).width == 1


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "posix.system",
        "builtins.eval",
        "builtins.open",
        "subprocess.run",
        "subprocess.Popen",
        "pathlib.Path.write_text",
        "pathlib.Path",
        "importlib.import_module",
        "hydra.utils.get_class",
        "hydra.utils.get_method",
        "hydra.utils.instantiate",
        "hydra._internal.utils._locate",
        "torch.load",
        "torch.hub.load",
        "numpy.load",
        "adaptive_diffusion",
        "adaptive_diffusion.config.composition.compose",
        "adaptive_diffusion.config.search.Path.write_text",
        "adaptive_diffusion.core.schedule.math.sqrt",
        "adaptive_diffusion.core.schedule.torch.load",
        "adaptive_diffusion.core.schedule.dataclass",
        "adaptive_diffusion.core.schedule.ABC",
        "adaptive_diffusion.core.trace.TraceWriter",
        "adaptive_diffusion.core.schedule.Linear.__init__",
        "adaptive_diffusion.core.schedule.Linear.__class__",
        "adaptive_diffusion.core.schedule.Linear.__init__.__globals__",
        "adaptive_diffusion.core.schedule",
        "adaptive_diffusion.core.schedule.",
        "adaptive_diffusion.core.schedule.Nothing",
        "adaptive_diffusion.models.nothing.Nothing",
        "adaptive_diffusion.models.transformer.nn.Linear",
        "adaptive_diffusion.models.transformer.TransformerDenoiser.load_state_dict",
        "adaptive_diffusionevil.run",
        "",
        None,
        7,
        ["os.system"],
        {"_target_": "os.system"},
    ],
)
@pytest.mark.parametrize("partial", [False, True])
def test_a_hostile_target_is_refused_before_anything_is_called(target, partial, user_module, monkeypatch):
    called = []
    monkeypatch.setattr("os.system", called.append)
    tripwire = {"_target_": f"{user_module}.Net", "width": 1}
    hostile = {"_target_": target, "_args_": ["touch /nowhere"], "_partial_": partial}
    node = {"first": tripwire, "deep": [{"x": hostile}]}
    monkeypatch.setattr(f"{user_module}.Net.__init__", lambda *args, **kwargs: called.append("constructed"))
    with pytest.raises(ValueError, match=r"_target_"):
        instantiate(node, allow=[user_module])
    with pytest.raises(ValueError, match=r"_target_"):
        check(node, allow=[user_module])
    assert called == []


@pytest.mark.parametrize("name", ["system", "Path", "Path.write_text", "instance", "instance.grow", "nothing"])
def test_what_an_allowed_module_merely_imported_is_refused(user_module, name):
    with pytest.raises(ValueError, match="_target_"):
        instantiate({"_target_": f"{user_module}.{name}", "_args_": ["x"]}, allow=[user_module])


def test_a_target_hidden_in_a_reference_is_seen(folder):
    with pytest.raises(ValueError, match=r"order: _target_ 'os\.system' is refused"):
        check(compose(None, ["order._target_=${evil}", "+evil=os.system"], folder))


def test_a_module_that_is_not_allowed_is_not_even_imported(user_module):
    with pytest.raises(ValueError, match=f"--allow-module {user_module}"):
        instantiate({"_target_": f"{user_module}.Net", "width": 1})
    assert user_module not in sys.modules


def test_fewer_packages_can_be_allowed():
    assert instantiate({"_target_": LINEAR}, packages=["core.schedule"]) == Linear()
    with pytest.raises(ValueError, match="refused"):
        instantiate({"_target_": LINEAR}, packages=["models"])


def test_an_argument_misspelt_missing_or_refused_is_named_with_its_key(user_module):
    target = {"_target_": f"{user_module}.Net"}
    for node, sentence in [
        ({"widht": 1}, "net: Net takes no 'widht'. The nearest is 'width'."),
        ({}, "net: Net: missing a required argument: 'width'."),
        ({"width": 13}, "net: width 13 is unlucky"),
        ({"width": 1, "_convert_": "all"}, "net: '_convert_' cannot be an argument"),
        ({"width": 1, "_partial_": "yes"}, "net: _partial_ must be true or false"),
        ({"_args_": "abc"}, "net: _args_ must be a list"),
    ]:
        with pytest.raises(ValueError, match=r"^net: ") as caught:
            instantiate({"net": target | node}, allow=[user_module])
        assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("node", "sentence"),
    [
        ({"_target_": THRESHOLD, "threshold": "abc"}, "Threshold: threshold='abc' is no number; give one"),
        ({"_target_": THRESHOLD, "_args_": [None]}, "Threshold: threshold=None is no number; give one"),
        ({"_target_": THRESHOLD, "at_least": 2.5}, "Threshold: at_least=2.5 is no whole number; give one"),
        ({"_target_": DENOISER, "vocabulary": 4, "depth": "six"}, "TransformerDenoiser: depth='six' is no whole"),
        ({"_target_": DENOISER, "_partial_": True, "depth": "six"}, "TransformerDenoiser: depth='six' is no whole"),
    ],
)
def test_what_is_no_number_is_refused_with_its_key_before_anything_is_called(node, sentence):
    with pytest.raises(ValueError, match=f"^part: {sentence}"):
        check({"part": node})


def test_a_default_that_breaks_its_annotation_may_be_written_out(user_module):
    node = {"_target_": f"{user_module}.Loose", "_args_": [1, 2], "width": 0.5}
    assert instantiate(node | {"depth": None}, allow=[user_module]).depth is None
    with pytest.raises(ValueError, match="Loose: depth='six' is no whole number; give one"):
        instantiate(node | {"depth": "six"}, allow=[user_module])


def test_argument_that_a_class_further_down_refuses_names_the_class_of_the_node(user_module):
    node = {"data": {"_target_": f"{user_module}.Passing", "size": 6}}
    with pytest.raises(ValueError, match="^data: Passing: .*unexpected keyword argument 'size'"):
        instantiate(node, allow=[user_module])


def test_a_digest_depends_on_values_alone():
    assert digest({"a": 1, "b": [2, {"c": None}]}) == digest({"b": [2, {"c": None}], "a": 1})
    assert digest({"a": 1}) != digest({"a": 1.5})


def test_differences_name_each_key_that_changed():
    before = {"a": 1, "b": {"c": [1, 2]}, "gone": 0}
    now = {"a": 1, "b": {"c": [1, 3]}, "new": "x"}
    assert differences(before, now) == ["b.c[1] is 3 and was 2", "gone is gone and was 0", "new is new: 'x'"]
    assert differences(before, before) == []
    assert differences({"a": []}, {"a": {}}) == ["a is {} and was []"]


def test_the_same_class_is_allowed_under_a_shorter_name(monkeypatch):
    monkeypatch.setattr("adaptive_diffusion.models.Shorter", Cosine, raising=False)
    assert instantiate({"_target_": "adaptive_diffusion.models.Shorter"}) == Cosine()
