"""Options of lm-eval are honoured, or refused by name."""

import math
import warnings

import pytest

pytestmark = pytest.mark.pretrained
pytest.importorskip("transformers", reason="needs the extra pretrained")
pytest.importorskip("lm_eval", reason="needs the extra lm-eval")

from small_worlds import oracle  # noqa: E402

from adaptive_diffusion.plugins.lm_eval.options import (  # noqa: E402
    Drawing,
    GenerationOptions,
    refuse_unknown_arguments,
    slots,
)
from adaptive_diffusion.rules.pace import Threshold  # noqa: E402
from adaptive_diffusion.rules.processor import Temperature, TopK, TopP  # noqa: E402
from adaptive_diffusion.rules.proposal import Argmax, Draw  # noqa: E402
from adaptive_diffusion.sampling import Sampler  # noqa: E402


@pytest.mark.parametrize("value", ["auto", "auto:4"])
def test_automatic_batch_size_warns_and_becomes_the_default(value):
    with pytest.warns(UserWarning, match="not measured"):
        assert slots(value) == 8
    with pytest.warns(UserWarning, match="2 sequences"):
        assert slots(value, max_batch_size=2) == 2


@pytest.mark.parametrize("value", [0, -1, "0", "many", 2.5, None])
def test_batch_size_that_is_no_positive_number_is_refused_by_name(value):
    with pytest.raises(ValueError, match="batch_size="):
        slots(value)
    assert slots("16") == 16


def test_unknown_model_argument_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"'max_lenght'. The nearest is 'max_gen_toks'.*'steps'"):
        refuse_unknown_arguments(["max_lenght", "steps"], ["model", "max_gen_toks", "seed"])


@pytest.mark.parametrize("name", ["max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens"])
def test_every_name_of_the_number_of_tokens_is_honoured(name):
    assert GenerationOptions.of({name: 5}, 256).max_tokens == 5
    assert GenerationOptions.of({name: "5"}, 256).max_tokens == 5
    assert GenerationOptions.of({name: None}, 256).max_tokens == 256


@pytest.mark.parametrize("value", [0, -1, 1.5, math.nan, math.inf, "many", True])
def test_number_of_tokens_below_one_is_refused_by_name(value):
    for name in ("max_gen_toks", "max_new_tokens", "max_tokens"):
        with pytest.raises(ValueError, match=f"{name}="):
            GenerationOptions.of({name: value}, 256)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"max_length": 5}, "max_length=5"),
        ({"temprature": 0.5}, "The nearest is 'temperature'"),
        ({"num_beams": 4}, "num_beams=4"),
        ({"repetition_penalty": 1.2}, "repetition_penalty=1.2"),
        ({"temperature": -1}, "temperature=-1"),
        ({"temperature": math.nan}, "temperature=nan"),
        ({"temperature": math.inf}, "temperature=inf"),
        ({"temperature": "warm"}, "temperature='warm'"),
        ({"do_sample": "perhaps"}, "do_sample='perhaps'"),
        ({"do_sample": True, "top_p": math.nan}, "top_p=nan"),
        ({"do_sample": True, "top_p": 1.5}, "top_p=1.5"),
        ({"do_sample": True, "top_k": -7}, "top_k=-7"),
        ({"top_p": 0.9}, "need do_sample=true"),
        ({"until": [3]}, "until holds 3"),
    ],
)
def test_option_that_cannot_be_honoured_is_refused_by_name(options, match):
    with pytest.raises(ValueError, match=match):
        GenerationOptions.of(options, 256)


def test_options_of_released_tasks_are_accepted():
    found = GenerationOptions.of(
        {"until": ["Q:", ""], "do_sample": False, "temperature": 0.0, "num_beams": 1, "top_p": 0.95}, 256
    )
    assert found == GenerationOptions(256, ("Q:",), Drawing(0.0))
    assert GenerationOptions.of({"until": "w7"}, 256).stops == ("w7",)
    assert GenerationOptions.of({"until": None}, 256).stops == ()


SAMPLER = Sampler(oracle(), pace=Threshold(0.9))
DRAWS = Sampler(oracle(), proposal=Draw(0.5), processors=(Temperature(0.2),))


@pytest.mark.parametrize(
    ("options", "proposal", "processors"),
    [
        ({}, Draw(0.5), (Temperature(0.2),)),
        ({"do_sample": False}, Argmax(), (Temperature(0.2),)),
        ({"temperature": 0}, Argmax(), (Temperature(0.2),)),
        ({"do_sample": False, "temperature": 0.7}, Argmax(), (Temperature(0.2),)),
        ({"do_sample": True}, Draw(), (Temperature(0.2),)),
    ],
)
def test_drawing_of_a_sampler_that_draws(options, proposal, processors):
    changed = GenerationOptions.of(options, 256).drawing.of(DRAWS)
    assert (changed.proposal, changed.processors) == (proposal, processors)


@pytest.mark.parametrize(
    ("options", "proposal", "processors"),
    [
        ({}, Argmax(), ()),
        ({"do_sample": True, "temperature": 1}, Draw(), ()),
        ({"temperature": 0.7}, Draw(), (Temperature(0.7),)),
        (
            {"do_sample": True, "top_k": 5, "top_p": 0.9, "temperature": 0.5},
            Draw(),
            (Temperature(0.5), TopK(5), TopP(0.9)),
        ),
        ({"do_sample": True, "top_k": 0, "top_p": 1.0}, Draw(), ()),
    ],
)
def test_drawing_of_a_sampler_without_processors(options, proposal, processors):
    changed = GenerationOptions.of(options, 256).drawing.of(SAMPLER)
    assert (changed.proposal, changed.processors) == (proposal, processors)
    assert changed.pace == SAMPLER.pace


@pytest.mark.parametrize("options", [{"temperature": 0.7}, {"do_sample": True, "top_p": 0.9}])
def test_second_temperature_or_truncation_is_refused(options):
    with pytest.raises(ValueError, match=r"processors of its own.*Temperature\(temperature=0.2\)"):
        GenerationOptions.of(options, 256).drawing.of(DRAWS)


def test_several_numbers_of_tokens_follow_the_priority_of_lm_eval():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert GenerationOptions.of({"max_tokens": 7, "max_new_tokens": 5}, 256).max_tokens == 5
