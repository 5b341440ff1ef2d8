"""The autoregressive baseline: causal, cached, batched, and fair."""

import pytest
import torch
from scipy import stats

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.decoding import Decoder
from adaptive_diffusion.models.autoregressive import AutoregressiveTransformer
from adaptive_diffusion.models.positions import LearnedPositions, RotaryPositions
from adaptive_diffusion.models.transformer import TransformerDenoiser

K, L = 5, 12


@pytest.fixture(params=[RotaryPositions, LearnedPositions])
def model(request):
    torch.manual_seed(0)
    made = AutoregressiveTransformer(K, request.param([[i] for i in range(L)]), width=32, depth=2, heads=2).eval()
    for parameter in made.parameters():  # larger, so that what is read matters
        parameter.data.mul_(1.5)
    return made


def prompts(count, seed=0):
    """Queries with 0 to L − 2 given tokens in front."""
    generator = torch.Generator().manual_seed(seed)
    given = torch.randint(L - 1, (count, 1), generator=generator)
    return Queries.of(torch.randint(K, (count, L), generator=generator), torch.arange(L) >= given)


def test_it_has_the_parameters_of_the_denoiser_without_status(model):
    size = {"width": 32, "depth": 2, "heads": 2}
    denoiser = TransformerDenoiser(K, type(model.positions)([[i] for i in range(L)]), status=False, **size)
    shapes = [{name: value.shape for name, value in each.state_dict().items()} for each in (model, denoiser)]
    assert shapes[0] == shapes[1]


@torch.no_grad()
def test_nothing_sees_itself_or_what_comes_after(model):
    tokens = torch.randint(K, (1, L))
    before = model.hidden(tokens)
    for place in range(L):
        other = tokens.clone()
        other[0, place] = (other[0, place] + 1) % K
        moved = (model.hidden(other) != before).any(-1)[0]
        assert not moved[: place + 1].any()
        assert moved[place + 1 :].all()


@torch.no_grad()
@pytest.mark.parametrize("pieces", [[1] * L, [4, 1, 7], [L]])
def test_reading_on_with_a_cache_is_reading_at_once(model, pieces):
    tokens = torch.randint(K, (3, L))
    read = torch.cat([torch.full_like(tokens[:, :1], K), tokens[:, :-1]], 1)
    cache, parts = model.cache(3, L), []
    for piece in read.split(pieces, 1):
        parts.append(model.read_on(piece, cache))
        cache.length.add_(piece.shape[1])
    torch.testing.assert_close(torch.cat(parts, 1), model.hidden(tokens), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def plain(model, tokens, given):
    """Argmax decoding by the definition: the text is read again for every token."""
    text = tokens.clone()
    for place in range(given, L):
        text[place] = model.logits(model.hidden(text[None])[0, place]).argmax()
    return text


@pytest.mark.parametrize("slots", [1, 3, 100])
def test_argmax_decoding_is_that_of_the_definition_in_any_batch(model, slots):
    queries = prompts(9)
    decoded = Decoder(model, temperature=0).decode(queries, slots=slots)
    for row in range(9):
        given = int((~queries.editable[row]).sum())
        assert torch.equal(decoded.answers[row], plain(model, queries.tokens[row], given))
        assert decoded.written[row] == L - given


def test_draws_do_not_depend_on_the_batch(model):
    queries = prompts(9)
    decoder = Decoder(model)
    together = decoder.decode(queries, n=3, seed=5)
    assert torch.equal(decoder.decode(queries, n=3, seed=5, slots=4).answers, together.answers)
    assert torch.equal(decoder.decode(queries.take(slice(4, 5)), n=3, seed=5).answers, together.answers[12:15])
    assert not torch.equal(decoder.decode(queries, n=3, seed=6).answers, together.answers)
    assert len(together.answers[6:9].unique(dim=0)) > 1


def test_draws_follow_the_model(model):
    queries = Queries.of(torch.zeros(4000, 2), torch.ones(4000, 2))
    drawn = Decoder(model).decode(queries, slots=4000).answers
    every = torch.cartesian_prod(torch.arange(K), torch.arange(K))
    with torch.no_grad():
        log_p = model.logits(model.hidden(every)).log_softmax(-1).gather(-1, every[..., None]).sum((1, 2))
    counts = torch.bincount(drawn @ torch.tensor([K, 1]), minlength=K * K)
    retained = log_p.exp() * 4000 >= 5
    expected = log_p.exp()[retained]
    assert retained.sum() > 3
    observed = counts[retained].double()
    assert stats.chisquare(observed, expected / expected.sum() * observed.sum(), sum_check=False).pvalue > 1e-4


def test_a_text_ends_at_its_end_token_and_its_slot_is_reused(model):
    queries = prompts(40)
    decoded = Decoder(model, end=0).decode(queries, slots=4)
    for row in range(40):
        given, written = int((~queries.editable[row]).sum()), int(decoded.written[row])
        text = decoded.answers[row, given : given + written]
        assert (text[:-1] != 0).all()
        assert text[-1] == 0 or given + written == L
        assert (decoded.answers[row, given + written :] == 0).all()
    assert (decoded.written < queries.editable.sum(1)).any()


def test_a_prompt_without_anything_to_write_comes_back():
    torch.manual_seed(0)
    model = AutoregressiveTransformer(K, RotaryPositions([[i] for i in range(L)]), width=32, depth=1, heads=2)
    queries = Queries.of(torch.ones(2, L), torch.tensor([[0] * L, [0] * (L - 1) + [1]]))
    decoded = Decoder(model).decode(queries)
    assert decoded.written.tolist() == [0, 1]
    assert (decoded.answers[0] == 1).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [({"n": 0}, "n=0"), ({"slots": 0}, "slots=0")],
)
def test_a_count_below_one_is_refused(model, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        Decoder(model).decode(prompts(2), **arguments)


def test_invalid_decoder_arguments_are_refused(model):
    with pytest.raises(ValueError, match="from left to right"):
        Decoder(model).decode(Queries.of(torch.zeros(1, 3), torch.tensor([[1, 0, 1]])))
    with pytest.raises(ValueError, match="temperature -1 is negative"):
        Decoder(model, temperature=-1)
