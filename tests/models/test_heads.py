"""Heads: outputs before training, no influence of what is not editable, and no extra forward."""

import pytest
import torch
from small_worlds import sampler_state, transformer

from adaptive_diffusion.core.loss_inputs import LossInputs
from adaptive_diffusion.models.heads import DenoiserWithHeads, HaltingHead, QualityHead, UnmaskingHead


def scene(rows=3):
    generator = torch.Generator().manual_seed(0)
    editable = torch.tensor([[True, True, False, True]]).expand(rows, -1)
    return torch.randn(rows, 4, 32, generator=generator), torch.rand(rows, 4, 5, generator=generator), editable


def test_an_untrained_quality_head_trusts_every_token():
    hidden, _, _ = scene()
    torch.testing.assert_close(QualityHead(32)(hidden), torch.full((3, 4), 3.0))
    torch.testing.assert_close(QualityHead(32, init_bias=1.5)(hidden), torch.full((3, 4), 1.5))


def test_an_unmasking_head_learns_at_open_positions_too():
    """Targets by hand: .95 at the right token, .05 at the wrong one, .05 + .9·p(right token) at the mask."""
    model = DenoiserWithHeads(transformer(), {"unmasking": UnmaskingHead(32, init_bias=1.0)})
    head = model.head("unmasking")
    state = sampler_state([[0, 1, 5, 2]], committed=[[1, 1, 0, 0]], editable=[[1, 1, 1, 0]])
    clean = torch.tensor([[0, 3, 4, 2]])
    hidden = model.denoiser.evaluate(state).hidden.detach().requires_grad_()
    loss = head.loss(LossInputs(model, state, clean, hidden))
    expected = model.logits(hidden[0, 2:3]).softmax(-1)[0, 4].detach()
    target = torch.stack([torch.tensor(0.95), torch.tensor(0.05), 0.05 + 0.9 * expected])
    torch.testing.assert_close(loss, torch.nn.functional.binary_cross_entropy_with_logits(torch.ones(3), target))
    loss.backward()
    assert head.out.bias.grad.item() == pytest.approx(float(torch.tensor(1.0).sigmoid() - target.mean()), rel=1e-4)
    assert all(parameter.grad is None for parameter in model.denoiser.parameters())  # the target has no gradient
    assert model.evaluate(state).summaries["unmasking"].shape == (1, 4)
    nothing = sampler_state([[0]], editable=[[0]])
    assert head.loss(LossInputs(model, nothing, clean[:, :1], hidden[:, :1])) is None


@pytest.mark.parametrize("head", [QualityHead(32, init_bias=1.0), UnmaskingHead(32, init_bias=1.0)])
def test_heads_read_hidden_states_of_a_smaller_number_format(head):
    """`--precision bf16-true` leaves heads in float32."""
    hidden = scene()[0].bfloat16()
    torch.testing.assert_close(head(hidden), torch.ones(3, 4))


def test_an_untrained_halting_head_goes_on():
    torch.testing.assert_close(HaltingHead(32)(*scene()), torch.full((3,), -5.0))
    torch.testing.assert_close(HaltingHead(32, init_bias=-2.0)(*scene()), torch.full((3,), -2.0))


def trained_halting_head():
    torch.manual_seed(0)
    head = HaltingHead(32)
    torch.nn.init.normal_(head.all[-1].weight)
    return head


def test_a_halting_head_sees_editable_positions_only():
    head, (hidden, summaries, editable) = trained_halting_head(), scene()
    output = head(hidden, summaries, editable)
    where = editable[..., None]
    for noise in (50.0, -50.0):
        torch.testing.assert_close(
            head(torch.where(where, hidden, noise), torch.where(where, summaries, noise), editable), output
        )
    assert (head(hidden + 1, summaries, editable) - output).abs().min() > 1e-4
    assert (head(hidden, summaries + 1, editable) - output).abs().min() > 1e-4


def test_a_halting_head_does_not_mind_the_order_of_positions():
    head, (hidden, summaries, editable) = trained_halting_head(), scene()
    turned = [x.flip(1) for x in (hidden, summaries, editable)]
    torch.testing.assert_close(head(*turned), head(hidden, summaries, editable))


def test_quality_comes_with_the_same_forward():
    denoiser, state = transformer(), sampler_state([[0, 1, 5], [2, 5, 5]])
    bare = DenoiserWithHeads(denoiser).evaluate(state)
    judged = DenoiserWithHeads(denoiser, {"quality": QualityHead(32)}).evaluate(state)
    assert "quality" not in bare.summaries
    assert torch.equal(judged.hidden, bare.hidden)
    assert judged.forwards == bare.forwards == 1
    torch.testing.assert_close(judged.summaries["quality"], torch.full((2, 3), 3.0).sigmoid())


def test_a_denoiser_with_heads_is_that_denoiser():
    denoiser = transformer()
    complete = DenoiserWithHeads(denoiser, {"quality": QualityHead(32), "halting": HaltingHead(32)})
    hidden = torch.randn(32, 32)
    assert (complete.corruption, complete.vocabulary) == (denoiser.corruption, denoiser.vocabulary)
    assert torch.equal(complete.logits(hidden), denoiser.logits(hidden))


@torch.no_grad()
def test_heads_predict_the_same_alone_and_in_a_batch():
    head, (hidden, summaries, editable) = trained_halting_head(), scene(rows=64)
    quality = QualityHead(32)
    torch.nn.init.normal_(quality.out.weight)
    together, judged = head(hidden, summaries, editable), quality(hidden)
    for rows in (1, 7, 33):
        assert torch.equal(head(hidden[:rows], summaries[:rows], editable[:rows]), together[:rows])
        assert torch.equal(quality(hidden[:rows]), judged[:rows])
