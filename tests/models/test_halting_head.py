"""The observation of a step by hand, and the head on it."""

import math

import pytest
import torch

from adaptive_diffusion.models.halting_head import TrajectoryHaltingHead, observe

HIDDEN = torch.tensor([[[1.0], [3.0], [-8.0]]])
EDITABLE = torch.tensor([[True, True, False]])
SUMMARIES = torch.zeros(1, 3, 5)
SUMMARIES[0, :, 4] = torch.tensor([0.5, 0.25, 0.01])
SUMMARIES[0, :, 0] = torch.tensor([0.2, 0.6, 0.9])


def test_an_observation_is_least_largest_mean_likelihood_and_hidden_states_of_what_is_editable() -> None:
    least, largest, mean = [0.2, 0, 0, 0, 0.25], [0.6, 0, 0, 0, 0.5], [0.4, 0, 0, 0, 0.375]
    expected = [*least, *largest, *mean, math.log(0.125), 2.0, 3.0, 3.0]  # the least sure answer is the second
    torch.testing.assert_close(observe(HIDDEN, SUMMARIES, EDITABLE), torch.tensor([expected]))


def test_an_untrained_head_gives_the_probability_of_its_initial_bias() -> None:
    head = TrajectoryHaltingHead(1, summaries=5, changes=0)
    torch.testing.assert_close(head(HIDDEN, SUMMARIES, EDITABLE), torch.tensor([-3.0]))
    assert TrajectoryHaltingHead(1, outputs=4, summaries=5, changes=0)(HIDDEN, SUMMARIES, EDITABLE).shape == (1, 4)


@pytest.mark.parametrize(("inputs", "blind_to"), [(["summaries"], slice(16, 19)), (["hidden"], slice(0, 16))])
def test_a_head_looks_at_its_inputs_alone(inputs: list[str], blind_to: slice) -> None:
    torch.manual_seed(0)
    head = TrajectoryHaltingHead(1, inputs=inputs, summaries=5, changes=0)
    torch.nn.init.normal_(head.map[-1].weight)
    shown = torch.randn(2, 19)
    changed = shown.clone()
    changed[:, blind_to] += 1.0
    assert torch.equal(head.predict(shown), head.predict(changed))
    assert not torch.equal(head.predict(shown), head.predict(shown + 1.0))


def test_change_is_looked_at_only_where_it_is_an_input() -> None:
    for inputs, sees in ((["summaries", "hidden"], False), (["summaries", "change"], True)):
        torch.manual_seed(0)
        head = TrajectoryHaltingHead(1, inputs=inputs, summaries=4, changes=1)
        torch.nn.init.normal_(head.map[-1].weight)
        shown = torch.randn(2, 19)
        changed = shown.clone()
        changed[:, [4, 9, 14]] += 1.0
        assert torch.equal(head.predict(shown), head.predict(changed)) is not sees


def test_unknown_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="looks at some of summaries, change, hidden"):
        TrajectoryHaltingHead(1, inputs=["logits"])


def test_a_fitted_scale_standardises_and_leaves_out_what_never_varies() -> None:
    head = TrajectoryHaltingHead(1, summaries=5, changes=0)
    shown = torch.randn(500, 19) * 7 + 3
    shown[:, 2] = 4.0
    head.fit_scale(shown)
    scaled = (shown - head.center) * head.scale
    torch.testing.assert_close(scaled.mean(0), torch.zeros(19), atol=1e-5, rtol=0)
    varying = torch.arange(19) != 2
    torch.testing.assert_close(scaled.std(0)[varying], torch.ones(18))
    assert (scaled[:, 2] == 0).all()


def test_a_row_is_judged_the_same_alone_and_in_a_batch() -> None:
    torch.manual_seed(0)
    head = TrajectoryHaltingHead(8)
    torch.nn.init.normal_(head.map[-1].weight)
    scene = torch.randn(64, 9, 8), torch.rand(64, 9, 10), torch.rand(64, 9) < 0.8
    complete = head(*scene)
    for row in (0, 17, 63):
        assert torch.equal(head(*(part[row : row + 1] for part in scene))[0], complete[row])
