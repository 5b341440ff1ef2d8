"""Real weights, where they have been imported: `adaptive-diffusion import antiberty imported/antiberty`, and so on.

Reference forwards are those of the packages themselves: AntiBERTy's own class, and for Sapiens, whose fairseq is not
installed beside torch of today, the layers of fairseq's RoBERTa written out.
"""

import os
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from adaptive_diffusion.evaluation.pretrained_reference import PretrainedReference

pytestmark = pytest.mark.pretrained
transformers = pytest.importorskip("transformers", reason="needs the extra pretrained")

IMPORTED = Path(os.environ.get("IMPORTED", Path(__file__).parents[3] / "imported"))
HEAVY = (
    (
        "EVQLVQSGPEVKKPGTSVKVSCKASGFTFMSSAVQWVRQARGQRLEWIGWIVIGSGNTNYAQKFQERVTITRDMSTSTAYMELSSLRSEDTAVYYCAAPYC"
        "SSISCNDGFDIWGQGTMVTVS"
    ),
    (
        "EVQLVESGGGLVQPGGSLRLSCAASGFTFSSYAMSWVRQAPGKGLEWVSAISGSGGSTYYADSVKGRFTISRDNSKNTLYLQMNSLRAEDTAVYYCAKDRG"
        "SYWGQGTLVTVSS"
    ),
)


def imported(name):
    folder = IMPORTED / name
    if not (folder / "model.safetensors").is_file():
        pytest.skip(f"no real weights: adaptive-diffusion import {name} {folder}")
    model, info = transformers.AutoModelForMaskedLM.from_pretrained(folder, output_loading_info=True)
    assert not any(info.values())
    return model.eval(), transformers.AutoTokenizer.from_pretrained(folder)


def test_logits_of_antiberty_equal_those_of_its_package(monkeypatch):
    model, tokenizer = imported("antiberty")
    antiberty = pytest.importorskip("antiberty", reason="pip install --no-deps antiberty==0.1.3")
    # Its class was written for transformers 4 and asks there for what version 5 prepares elsewhere.
    monkeypatch.setattr(transformers.BertPreTrainedModel, "init_weights", lambda self: None)
    trained = Path(antiberty.__file__).parent / "trained_models"
    place = trained / "AntiBERTy_md_smooth"
    theirs = antiberty.AntiBERTy(transformers.BertConfig.from_pretrained(place)).eval()
    stored = torch.load(place / "pytorch_model.bin", map_location="cpu", weights_only=True)
    missing, unexpected = theirs.load_state_dict(stored, strict=False)
    assert (missing, unexpected) == ([], ["bert.embeddings.position_ids"])
    ids = {token: number for number, token in enumerate((trained / "vocab.txt").read_text().split())}
    batch = tokenizer(list(HEAVY), return_tensors="pt", padding=True)
    for row, mask, sequence in zip(batch["input_ids"], batch["attention_mask"], HEAVY, strict=True):
        assert row[mask == 1].tolist() == [ids["[CLS]"], *map(ids.get, sequence), ids["[SEP]"]]
    given = {name: batch[name] for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        difference = model(**given).logits - theirs(**given).prediction_logits
    assert difference[batch["attention_mask"] == 1].abs().max() <= 1e-4


@pytest.mark.parametrize("name", ["sapiens", "sapiens_light"])
def test_logits_of_sapiens_equal_fairseq_layers(name):
    model, tokenizer = imported(name)
    state = model.state_dict()
    ids = tokenizer(HEAVY[1], return_tensors="pt")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids[0]) == ["<s>", *HEAVY[1], "</s>"]
    with torch.no_grad():
        assert torch.allclose(model(input_ids=ids).logits, fairseq_logits(state, ids, heads=8), atol=1e-4)


def fairseq_logits(state, ids, heads):
    """The forward of fairseq's `RobertaModel` (layer norm after each block, positions from padding + 1 on)."""

    def part(name):
        return state[f"{name}.weight"], state[f"{name}.bias"]

    def norm(values, name):
        return F.layer_norm(values, values.shape[-1:], *part(name), eps=1e-5)

    at = torch.arange(ids.shape[1]) + 2
    embeddings = "roberta.embeddings."
    x = state[f"{embeddings}word_embeddings.weight"][ids] + state[f"{embeddings}position_embeddings.weight"][at]
    x = norm(x, f"{embeddings}LayerNorm")
    for layer in range(4):
        here = f"roberta.encoder.layer.{layer}."
        attention = nn.MultiheadAttention(x.shape[-1], heads, batch_first=True)
        projections = [part(f"{here}attention.self.{one}") for one in ("query", "key", "value")]
        attention.in_proj_weight.data = torch.cat([weight for weight, _ in projections])
        attention.in_proj_bias.data = torch.cat([bias for _, bias in projections])
        attention.out_proj.weight.data, attention.out_proj.bias.data = part(f"{here}attention.output.dense")
        x = norm(x + attention(x, x, x, need_weights=False)[0], f"{here}attention.output.LayerNorm")
        inner = F.linear(F.gelu(F.linear(x, *part(f"{here}intermediate.dense"))), *part(f"{here}output.dense"))
        x = norm(x + inner, f"{here}output.LayerNorm")
    x = norm(F.gelu(F.linear(x, *part("lm_head.dense"))), "lm_head.layer_norm")
    return F.linear(x, state["lm_head.decoder.weight"], state["lm_head.bias"])


def test_sapiens_repairs_a_random_residue():
    model, tokenizer = imported("sapiens")
    at, right = 21, HEAVY[1][21]
    assert right == "C"
    changed = HEAVY[1][:at] + "W" + HEAVY[1][at + 1 :]
    with torch.no_grad():
        logits = model(input_ids=tokenizer(changed, return_tensors="pt")["input_ids"]).logits[0, at + 1]
    assert tokenizer.convert_ids_to_tokens([int(logits.argmax())]) == [right]


def test_trunk_of_minilm_has_a_head_that_finds_back_much_of_what_it_sees():
    """The new head is the identity on hidden states before it is trained, so much of what stands is found again."""
    model, tokenizer = imported("minilm")
    ids = tokenizer("the tower was built by an engineer for the world fair in paris", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        logits = model(input_ids=ids).logits
    assert (logits.argmax(-1) == ids)[0, 1:-1].float().mean() > 0.2  # by chance 1 in 30,522
    assert torch.equal(model.cls.predictions.transform.dense.weight, torch.eye(384))
    embeddings = transformers.AutoModel.from_pretrained(IMPORTED / "minilm").eval()
    with torch.no_grad():
        torch.testing.assert_close(embeddings(input_ids=ids).last_hidden_state, model.bert(input_ids=ids)[0])


def test_smollm2_finds_sentences_likelier_than_their_words_in_another_order():
    pytest.importorskip("gguf", reason="needs the extra gguf")
    file = "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not (IMPORTED / "smollm2" / file).is_file():
        pytest.skip(f"no real weights: adaptive-diffusion import smollm2 {IMPORTED / 'smollm2'}")
    reference = PretrainedReference.from_pretrained(str(IMPORTED / "smollm2"), gguf=file)
    ordered = "The Eiffel Tower is a wrought-iron lattice tower in Paris."
    assert reference.bits_per_byte([ordered]) + 0.5 < reference.bits_per_byte([" ".join(sorted(ordered.split()))])
    assert "Paris" in reference.continued("The Eiffel Tower is a famous landmark in the city of", 3)
