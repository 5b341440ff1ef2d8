"""Heads: reluctant before training, blind to what is not editable, and no extra forward."""

import torch
from small_worlds import sampler_state, transformer

from adaptive_diffusion.models.heads import DenoiserWithHeads, HaltingHead, QualityHead


def scene(rows=3):
    generator = torch.Generator().manual_seed(0)
    editable = torch.tensor([[True, True, False, True]]).expand(rows, -1)
    return torch.randn(rows, 4, 32, generator=generator), torch.rand(rows, 4, 5, generator=generator), editable


def test_an_untrained_quality_head_trusts_every_token():
    hidden, _, _ = scene()
    torch.testing.assert_close(QualityHead(32)(hidden), torch.full((3, 4), 3.0))
    torch.testing.assert_close(QualityHead(32, init_bias=1.5)(hidden), torch.full((3, 4), 1.5))


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
    said = head(hidden, summaries, editable)
    where = editable[..., None]
    for noise in (50.0, -50.0):
        torch.testing.assert_close(
            head(torch.where(where, hidden, noise), torch.where(where, summaries, noise), editable), said
        )
    assert (head(hidden + 1, summaries, editable) - said).abs().min() > 1e-4
    assert (head(hidden, summaries + 1, editable) - said).abs().min() > 1e-4


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
    whole = DenoiserWithHeads(denoiser, {"quality": QualityHead(32), "halting": HaltingHead(32)})
    hidden = torch.randn(32, 32)
    assert (whole.corruption, whole.vocabulary) == (denoiser.corruption, denoiser.vocabulary)
    assert torch.equal(whole.logits(hidden), denoiser.logits(hidden))


@torch.no_grad()
def test_heads_say_the_same_alone_and_in_company():
    head, (hidden, summaries, editable) = trained_halting_head(), scene(rows=64)
    quality = QualityHead(32)
    torch.nn.init.normal_(quality.out.weight)
    together, judged = head(hidden, summaries, editable), quality(hidden)
    for rows in (1, 7, 33):
        assert torch.equal(head(hidden[:rows], summaries[:rows], editable[:rows]), together[:rows])
        assert torch.equal(quality(hidden[:rows]), judged[:rows])
