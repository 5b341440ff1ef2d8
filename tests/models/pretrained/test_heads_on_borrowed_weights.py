"""Heads and adapters are trained by the stages of an experiment, saved alone, and sample alike in a fresh process."""

import subprocess
import sys
from copy import deepcopy

import pytest
import torch

pytestmark = pytest.mark.pretrained
transformers = pytest.importorskip("transformers", reason="needs the extra pretrained")
pytest.importorskip("peft", reason="needs the extra pretrained")

from adaptive_diffusion.config import instantiate  # noqa: E402
from adaptive_diffusion.core.query import Queries  # noqa: E402
from adaptive_diffusion.models.pretrained import MaskedLanguageModel  # noqa: E402
from adaptive_diffusion.rules.learned_halting import LearnedHalting  # noqa: E402
from adaptive_diffusion.rules.pace import Threshold  # noqa: E402
from adaptive_diffusion.rules.remasking import LowQuality  # noqa: E402
from adaptive_diffusion.runs.device import Compute  # noqa: E402
from adaptive_diffusion.runs.stage import StageContext  # noqa: E402
from adaptive_diffusion.runs.stages.training import Train  # noqa: E402
from adaptive_diffusion.sampling import Sampler  # noqa: E402
from adaptive_diffusion.storage.checkpoint import load_checkpoint, read_header  # noqa: E402
from adaptive_diffusion.storage.folder import RunFolder  # noqa: E402

PACKAGE = "adaptive_diffusion"
DATA = {
    "_target_": f"{PACKAGE}.tasks.sudoku.SudokuDataModule",
    "size": 4,
    "clues": [4, 10],
    "batch_size": 8,
    "validation_puzzles": 4,
    "test_puzzles": 4,
    "stratified_puzzles": 0,
}
SAMPLE = """
import sys
import torch
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.rules.learned_halting import LearnedHalting
from adaptive_diffusion.rules.pace import Threshold
from adaptive_diffusion.rules.remasking import LowQuality
from adaptive_diffusion.storage.checkpoint import load_checkpoint
from adaptive_diffusion.sampling import Sampler

torch.set_num_threads(1)
model = load_checkpoint(sys.argv[1])
queries = Queries.of(torch.full((6, 16), 4), torch.ones(6, 16).bool())
halting = LearnedHalting(0.01, model.head("halting"))
sampler = Sampler(model, pace=Threshold(0.3), remasking=LowQuality(0.5), halting=halting)
state = sampler.begin(queries, torch.zeros_like(queries.ids), 0)
torch.save((sampler.sample(queries, seed=0), model.evaluate(state)), sys.argv[2])
"""


def modernbert(folder):
    """Eight tokens: the digits of a 4×4 board, the mask 4, padding 5."""
    torch.manual_seed(0)
    config = transformers.ModernBertConfig(
        vocab_size=8,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        pad_token_id=5,
        mask_token_id=4,
        bos_token_id=6,
        eos_token_id=7,
        cls_token_id=6,
        sep_token_id=7,
    )
    transformers.AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    return str(folder)


def node(path, **settings):
    return {
        "_target_": f"{PACKAGE}.models.heads.DenoiserWithHeads",
        "denoiser": {
            "_target_": f"{PACKAGE}.models.pretrained.MaskedLanguageModel.from_pretrained",
            "name": path,
            **settings,
        },
        "heads": {
            "quality": {"_target_": f"{PACKAGE}.models.heads.QualityHead", "width": 32},
            "halting": {"_target_": f"{PACKAGE}.models.heads.HaltingHead", "width": 32},
        },
    }


def module(*trainable):
    live = {
        "_target_": f"{PACKAGE}.sampling.sampler.Sampler",
        "_partial_": True,
        "halting": {"_target_": f"{PACKAGE}.rules.halting.RunToCompletion"},
    }
    return {
        "_target_": f"{PACKAGE}.training.denoiser_module.DenoiserModule",
        "_partial_": True,
        "trainable": list(trainable),
        "training_states": [
            {"_target_": f"{PACKAGE}.training.training_states.RandomMasking", "rows": 4, "wrong": 0.3},
            {"_target_": f"{PACKAGE}.training.training_states.OnPolicyRollouts", "rows": 4, "sampler": live},
        ],
        "objectives": [
            {"_target_": f"{PACKAGE}.objectives.denoising.Denoising"},
            {"_target_": f"{PACKAGE}.objectives.head_loss.HeadLoss", "head": "quality", "detach": False},
            {"_target_": f"{PACKAGE}.objectives.head_loss.HeadLoss", "head": "halting"},
        ],
    }


def trained(folder, model, *trainable, precision="32-true"):
    optimizer = {"_target_": "torch.optim.AdamW", "_partial_": True, "lr": 0.02}
    stage = Train(model, DATA, module(*trainable), steps=3, optimizer=optimizer, average=0.5)
    with RunFolder(folder) as run:
        (folder / "resume").mkdir()
        stage(StageContext(run, "heads", folder / "resume", Compute(precision=precision)))
    return folder / "checkpoints" / "heads.safetensors"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return modernbert(tmp_path_factory.mktemp("modernbert"))


@pytest.fixture(scope="module")
def frozen(base, tmp_path_factory):
    return trained(tmp_path_factory.mktemp("frozen"), node(base), "quality", "halting")


@pytest.fixture(scope="module")
def adapted(base, tmp_path_factory):
    lora = {"r": 2, "lora_alpha": 4, "target_modules": ["Wqkv"]}
    model = node(base, lora=lora, checkpointing=True, dtype="bfloat16")
    return trained(tmp_path_factory.mktemp("adapted"), model, "denoiser", "quality", "halting", precision="bf16-mixed")


def test_only_heads_are_saved_of_a_frozen_model(frozen):
    assert {".".join(name.split(".")[:2]) for name in read_header(frozen).shapes} == {"heads.quality", "heads.halting"}


def test_only_heads_and_adapters_are_saved_of_an_adapted_model(adapted):
    names = read_header(adapted).shapes
    borrowed = {name for name in names if name.startswith("denoiser.")}
    assert {".".join(name.split(".")[:2]) for name in names.keys() - borrowed} == {"heads.quality", "heads.halting"}
    assert borrowed
    assert all("lora_" in name for name in borrowed)


def test_heads_and_adapters_have_learnt_and_borrowed_weights_have_not(base, frozen, adapted):
    for file in (frozen, adapted):
        model = load_checkpoint(file)
        assert model.head("quality").out.weight.abs().sum() > 0
        assert model.head("halting").all[2].weight.abs().sum() > 0
    moved = [value for name, value in load_checkpoint(adapted).named_parameters() if "lora_B" in name]
    assert moved
    assert any(value.abs().sum() > 0 for value in moved)
    untouched = MaskedLanguageModel.from_pretrained(base).state_dict(keep_vars=True)
    assert untouched == {}
    ours = dict(load_checkpoint(frozen).denoiser.backbone.named_parameters())
    for name, value in MaskedLanguageModel.from_pretrained(base).backbone.named_parameters():
        assert torch.equal(ours[name], value)


@pytest.mark.parametrize("which", ["frozen", "adapted"])
def test_a_fresh_process_samples_bit_for_bit_the_same(which, request, tmp_path):
    file = request.getfixturevalue(which)
    program = [sys.executable, "-c", SAMPLE, str(file), str(tmp_path / "there")]
    subprocess.run(program, check=True)
    there, seen_there = torch.load(tmp_path / "there", weights_only=False)
    model = load_checkpoint(file)
    queries = Queries.of(torch.full((6, 16), 4), torch.ones(6, 16).bool())
    halting = LearnedHalting(0.01, model.head("halting"))
    sampler = Sampler(model, pace=Threshold(0.3), remasking=LowQuality(0.5), halting=halting)
    here = sampler.sample(queries, seed=0)
    for name, value in vars(here).items():
        same = torch.equal(value, getattr(there, name)) if torch.is_tensor(value) else value == getattr(there, name)
        assert same, name
    with torch.inference_mode():
        seen = model.evaluate(sampler.begin(queries, torch.zeros_like(queries.ids), 0))
    assert torch.equal(seen.hidden, seen_there.hidden)
    assert torch.equal(seen.summaries["quality"], seen_there.summaries["quality"])


def test_layers_checkpoint_while_they_train_and_dropout_stays_off(base):
    lora = {"r": 2, "lora_alpha": 4, "target_modules": ["Wqkv"]}
    model = MaskedLanguageModel.from_pretrained(base, lora=lora, checkpointing=True)
    model.train().requires_grad_()
    tokens, status = torch.full((2, 16), 4), torch.full((2, 16), 2)
    calls = []
    layer = model.backbone.model.layers[1].attn
    layer.register_forward_hook(lambda *_: calls.append(layer.training))
    hidden = model.hidden(tokens, status)
    assert torch.equal(hidden, model.hidden(tokens, status))
    before = len(calls)
    hidden.square().sum().backward()
    assert len(calls) > before  # computed anew on the way back
    assert not any(calls)
    gradients = {name: value.grad for name, value in model.named_parameters() if value.grad is not None}
    assert set(gradients) == model.learning


def test_a_copy_has_heads_and_adapters_of_its_own_and_the_same_borrowed_weights(base):
    lora = {"r": 2, "lora_alpha": 4, "target_modules": ["Wqkv"]}
    model = instantiate(node(base, lora=lora))
    copied = deepcopy(model)
    mine, other = dict(model.named_parameters()), dict(copied.named_parameters())
    assert mine.keys() == other.keys()
    stored = model.state_dict().keys()
    assert {name for name in mine if mine[name] is not other[name]} == stored
    assert copied.denoiser is not model.denoiser
    assert copied.state_dict().keys() == stored


def test_settings_that_peft_does_not_know_are_refused(base):
    with pytest.raises(ValueError, match="rank"):
        MaskedLanguageModel.from_pretrained(base, lora={"rank": 2})


def test_a_checkpoint_cannot_consent_to_remote_code(base, tmp_path):
    from adaptive_diffusion.storage.checkpoint import save_checkpoint

    config = node(base, remote_code=True)
    save_checkpoint(tmp_path / "heads.safetensors", instantiate(config), config)
    with pytest.raises(ValueError, match="--allow-module transformers_modules"):
        load_checkpoint(tmp_path / "heads.safetensors")
    load_checkpoint(tmp_path / "heads.safetensors", ["transformers_modules"])
