"""A sweep's summary: seeds together, differences paired."""

import pytest

from adaptive_diffusion.runs.ablate.summary import summarise


def row(exact, nfe, sampler="learned"):
    return {"sampler": sampler, "correct": exact, "nfe_mean": nfe, "seconds": 1.0}


def test_seeds_of_a_setting_are_one_row_and_differences_are_paired_by_seed():
    cells = [
        (("depth=4", "seed=0"), [row(0.90, 3.0)]),
        (("depth=4", "seed=1"), [row(0.94, 3.4)]),
        (("depth=6", "seed=0"), [row(0.93, 3.1)]),
        (("depth=6", "seed=1"), [row(0.97, 3.5)]),
        (("depth=6", "seed=2"), [row(0.50, 9.0)]),
    ]
    first, second = summarise(cells)
    assert (first["setting"], first["seeds"], first["over_first"]) == (["depth=4"], ["0", "1"], None)
    assert first["correct"]["value"] == pytest.approx(0.92)
    assert second["seeds"] == ["0", "1", "2"]
    # Both shared seeds gained 3 points: the paired interval has no width, the seed without a partner does not count.
    assert list(second["over_first"]["correct"].values()) == pytest.approx([0.03, 0.03, 0.03])
    assert second["over_first"]["nfe_mean"]["value"] == pytest.approx(0.1)


def test_samplers_are_held_against_their_own_first_setting():
    cells = [
        (("depth=4",), [row(0.9, 3, "a"), row(0.8, 2, "b")]),
        (("depth=6",), [row(0.95, 3, "a"), row(0.9, 2, "b")]),
    ]
    gains = [found["over_first"]["correct"]["value"] for found in summarise(cells) if found["over_first"]]
    assert gains == pytest.approx([0.05, 0.1])


def test_one_seed_has_figures_without_ends_and_seconds_are_left_out():
    (found,) = summarise([((), [row(0.9, 3.0)])])
    assert found["correct"] == {"value": 0.9, "low": None, "high": None}
    assert "seconds" not in found
