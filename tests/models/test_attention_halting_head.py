"""Single positions in an observation, and the head that attends to them."""

import pytest
import torch

from adaptive_diffusion.models.attention_halting_head import AttentionHaltingHead
from adaptive_diffusion.models.halting_head import TrajectoryHaltingHead, observe

HIDDEN = torch.tensor([[[1.0], [3.0], [-8.0]]])
EDITABLE = torch.tensor([[True, True, False]])
SUMMARIES = torch.zeros(1, 3, 5)
SUMMARIES[0, :, 4] = torch.tensor([0.5, 0.25, 0.01])


def head(**settings) -> AttentionHaltingHead:
    torch.manual_seed(0)
    made = AttentionHaltingHead(4, **{"positions": 3, **settings})
    torch.nn.init.normal_(made.map[-1].weight)
    return made


def scene(rows: int, length: int = 6):
    generator = torch.Generator().manual_seed(1)
    hidden = torch.randn(rows, length, 4, generator=generator)
    summaries = torch.rand(rows, length, 10, generator=generator)
    return hidden, summaries, torch.rand(rows, length, generator=generator) < 0.8


def test_observation_has_positions_in_doubt_first_and_zeros_where_there_are_too_few() -> None:
    pooled, both = observe(HIDDEN, SUMMARIES, EDITABLE), observe(HIDDEN, SUMMARIES, EDITABLE, positions=4)
    assert torch.equal(both[:, : pooled.shape[1]], pooled)
    single = both[0, pooled.shape[1] :].view(4, 7)
    assert single[0].tolist() == [1, 0, 0, 0, 0, 0.25, 3]
    assert single[1].tolist() == [1, 0, 0, 0, 0, 0.5, 1]
    assert not single[2:].any()  # the third position is given, the fourth does not exist


def test_untrained_head_gives_the_probability_of_its_initial_bias() -> None:
    torch.testing.assert_close(AttentionHaltingHead(4, positions=3)(*scene(2)), torch.tensor([-3.0, -3.0]))
    assert AttentionHaltingHead(4, outputs=2, positions=3)(*scene(5)).shape == (5, 2)


def test_weights_of_the_attention_are_positive_where_a_position_is_and_sum_to_one() -> None:
    attending = head(positions=8)
    hidden, summaries, editable = scene(32)
    weight = attending.attention(observe(hidden, summaries, editable, 8))
    torch.testing.assert_close(weight.sum(1), torch.ones(32))
    assert ((weight > 0).sum(1) == editable.sum(1)).all()


def test_pooling_is_the_weighted_sum_of_the_positions() -> None:
    attending = head()
    observation = observe(*scene(32), 3)
    pooled, single = observation.split([attending.pooled, 3 * attending.single], dim=1)
    weight, z = attending.attention(observation), attending.each(single.reshape(32, 3, -1) * attending.seen[-15:])
    pooled = (pooled * attending.seen[: attending.pooled]).clamp(-10, 10)
    expected = attending.map(torch.cat([pooled, (weight[..., None] * z).sum(1)], 1))
    torch.testing.assert_close(attending.predict(observation), expected[:, 0])


def test_scale_of_single_positions_is_that_of_those_that_are_there() -> None:
    attending = head(positions=8)
    observation = observe(*scene(64), 8)
    attending.fit_scale(observation)
    single = observation[:, attending.pooled :].reshape(-1, attending.single)
    there = single[single[:, 0] > 0]
    torch.testing.assert_close(attending.center[attending.pooled :], there.mean(0))
    torch.testing.assert_close(1 / attending.scale[-4:], there[:, -4:].std(0))


def test_row_is_judged_the_same_alone_and_in_a_batch() -> None:
    attending = head()
    rows = scene(64)
    together = attending(*rows)
    for row in (0, 17, 63):
        assert torch.equal(attending(*(part[row : row + 1] for part in rows))[0], together[row])


def test_head_of_pooled_observations_passes_single_positions_over() -> None:
    pooled = TrajectoryHaltingHead(4)
    torch.nn.init.normal_(pooled.map[-1].weight)
    rows = scene(32)
    pooled.fit_scale(observe(*rows, 5))
    assert torch.equal(pooled.predict(observe(*rows, 5)), pooled(*rows))


def test_rollouts_with_too_few_positions_are_refused_with_the_number() -> None:
    with pytest.raises(
        ValueError, match="attends to 3 positions, and the rollouts have 2; record them with positions=3"
    ):
        head().predict(observe(*scene(2), 2))
    with pytest.raises(ValueError, match="leaves nothing to attend to"):
        AttentionHaltingHead(4, positions=0)


def test_position_that_alone_decides_is_found() -> None:
    """Whether a row is right stands in the hidden state of one position in the middle of six in doubt."""
    generator = torch.Generator().manual_seed(0)
    hidden, summaries, editable = (
        torch.zeros(512, 6, 4),
        torch.rand(512, 6, 10, generator=generator),
        torch.ones(512, 6) > 0,
    )
    marked = torch.randint(6, (512,), generator=generator)
    right = torch.rand(512, generator=generator) < 0.5
    hidden[..., 1] = (torch.rand(512, 6, generator=generator) < 0.5).float()
    hidden[torch.arange(512), marked, 0] = 1.0
    hidden[torch.arange(512), marked, 1] = right.float()
    observation = observe(hidden, summaries, editable, 6)
    attending = head(positions=6, inputs=["hidden"])
    attending.fit_scale(observation)
    optimizer = torch.optim.Adam(attending.parameters(), 1e-2)
    for _ in range(150):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(attending.predict(observation), right.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert ((attending.predict(observation) > 0) == right).float().mean() > 0.95
