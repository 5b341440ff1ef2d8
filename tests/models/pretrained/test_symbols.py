"""A model of single symbols behind an alphabet of its own: the same logits, special tokens never predicted."""

import pytest
import torch

pytestmark = pytest.mark.pretrained
transformers = pytest.importorskip("transformers", reason="needs the extra pretrained")

from adaptive_diffusion.core.corruption import Absorbing, Uniform  # noqa: E402
from adaptive_diffusion.core.query import Queries  # noqa: E402
from adaptive_diffusion.models.pretrained import SymbolLanguageModel  # noqa: E402
from adaptive_diffusion.rules.plans.uniform import UniformPosterior  # noqa: E402
from adaptive_diffusion.rules.processor import LeaveOneOut  # noqa: E402
from adaptive_diffusion.sampling import Sampler  # noqa: E402
from adaptive_diffusion.storage.importing.symbol_tokenizer import tokenizer_files  # noqa: E402

SYMBOLS = "ACDE"
PADDING, MASK = 4, 5
KINDS = {
    "Bert": ({"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}, 0),
    "Roberta": ({"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}, 1),
}


@pytest.fixture(scope="module", params=KINDS)
def folder(request, tmp_path_factory):
    place = tmp_path_factory.mktemp(request.param)
    special, pad = KINDS[request.param]
    vocabulary = [*special.values(), *SYMBOLS]
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    settings = {"vocab_size": len(vocabulary), "max_position_embeddings": 32, "pad_token_id": pad, **sizes}
    torch.manual_seed(0)
    model = transformers.AutoModelForMaskedLM.from_config(getattr(transformers, f"{request.param}Config")(**settings))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(8)
    model.save_pretrained(place)
    for name, content in tokenizer_files(vocabulary, special).items():
        (place / name).write_text(content)
    return place


def rows(*texts, length=8):
    known = {symbol: token for token, symbol in enumerate(SYMBOLS)} | {"_": MASK}
    return torch.tensor([[known[symbol] for symbol in text] + [PADDING] * (length - len(text)) for text in texts])


def test_logits_are_those_of_the_model_between_its_own_begin_and_end(folder):
    denoiser = SymbolLanguageModel.from_pretrained(str(folder), symbols=SYMBOLS)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = "AC_DE", "E_AAC_D"
    tokens = rows(*texts)
    hidden = denoiser.hidden(tokens, (tokens == MASK).long() * 2)
    columns = tokenizer.convert_tokens_to_ids(list(SYMBOLS))
    for row, text in enumerate(texts):
        ids = tokenizer(text.replace("_", tokenizer.mask_token), return_tensors="pt")["input_ids"]
        expected = model(input_ids=ids).logits[0, 1:-1, columns]
        found = denoiser.logits(hidden[row, : len(text)])
        assert torch.allclose(found[:, : len(SYMBOLS)], expected, atol=1e-4)
        assert (found[:, PADDING] == -torch.inf).all()
    assert denoiser.padding_error < 1e-4


def test_answers_hold_symbols_only(folder):
    denoiser = SymbolLanguageModel.from_pretrained(str(folder), symbols=SYMBOLS)
    tokens = rows("A__DE__C", "____")
    result = Sampler(denoiser).sample(Queries.of(tokens, tokens == MASK))
    assert (result.answers < PADDING).tolist() == (tokens != PADDING).tolist()


def test_noise_of_a_model(folder):
    assert SymbolLanguageModel.from_pretrained(str(folder), symbols=SYMBOLS).corruption == Absorbing(MASK)
    uniform = SymbolLanguageModel.from_pretrained(str(folder), symbols=SYMBOLS, noise="uniform")
    assert uniform.corruption == Uniform(len(SYMBOLS))
    assert uniform.vocabulary == len(SYMBOLS) + 1


def test_padding_is_never_noise(folder):
    denoiser = SymbolLanguageModel.from_pretrained(str(folder), symbols=SYMBOLS, noise="uniform")
    seen = []
    sampler = Sampler(denoiser, plan=UniformPosterior(4), processors=(LeaveOneOut(),))
    queries = Queries.of(torch.zeros(16, 8), torch.ones(16, 8))
    sampler.sample(queries, observers=[lambda step: seen.append(step.after.tokens)])
    assert torch.stack(seen).max() == len(SYMBOLS) - 1


@pytest.mark.parametrize(("options", "reason"), [({"noise": "salt"}, "salt"), ({"symbols": "AZ"}, "symbols Z are no")])
def test_settings_that_do_not_fit_are_refused(folder, options, reason):
    with pytest.raises(ValueError, match=reason):
        SymbolLanguageModel.from_pretrained(str(folder), **options)
