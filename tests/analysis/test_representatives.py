"""One setting of each rule where there are too many samplers for a panel each."""

from types import SimpleNamespace

from adaptive_diffusion.analysis.colours import Label
from adaptive_diffusion.analysis.figures import KINDS, apart
from adaptive_diffusion.analysis.representatives import CHOSEN, READABLE, representatives


def sampler(family: str, setting: float, nfe: float, quality: float | None):
    value = None if quality is None else SimpleNamespace(value=quality)
    return SimpleNamespace(label=Label(f"{family}_{setting}", family), nfe=SimpleNamespace(value=nfe), quality=value)


MANY = [sampler("threshold", number, number, 0.9 + 0.002 * number) for number in range(1, READABLE + 1)]


def test_few_samplers_are_all_shown():
    assert representatives(MANY) == MANY


def test_cheapest_setting_within_half_a_point_of_the_best_represents_its_rule():
    """The best setting has .916; .912 is the worst within half a point of it."""
    other = sampler("confidence", 1, 20, 0.99)
    assert representatives([*MANY, other]) == [MANY[5], other]


def test_samplers_without_judgement_stay():
    unjudged = [sampler("drawn", number, number, None) for number in range(READABLE + 1)]
    assert representatives(unjudged) == unjudged


def test_caption_names_the_choice_where_one_was_made():
    accuracy, histogram = KINDS[0], KINDS[1]
    more = [*MANY, sampler("confidence", 1, 20, 0.99)]
    assert histogram.explained(more).endswith(CHOSEN)
    assert CHOSEN not in histogram.explained(MANY)
    assert CHOSEN not in accuracy.explained(more)


def test_names_beside_points_keep_their_distance_on_both_scales():
    """A doubling of NFE, or half as much missing, is far enough; equal points are not."""
    assert apart((2, 0.9), [])
    assert not apart((2, 0.9), [(2, 0.9)])
    assert apart((4, 0.9), [(2, 0.9)])
    assert apart((2, 0.95), [(2, 0.9)])
    assert not apart((2.2, 0.91), [(8, 0.5), (2, 0.9)])
