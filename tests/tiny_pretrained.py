"""Tiny randomly initialised models of the real classes, written to disk as a hub would hold them."""

import torch
from transformers import DiffusionGemmaConfig, DiffusionGemmaForBlockDiffusion

from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.rules.halting import StableAndConfident
from adaptive_diffusion.rules.plans.acceptance import EntropyBoundAcceptance
from adaptive_diffusion.rules.processor import LinearTemperature
from adaptive_diffusion.rules.proposal import Draw
from adaptive_diffusion.sampling import Sampler

VOCABULARY, CANVAS = 32, 12
PAD, END, BEGIN, MASK = 0, 1, 2, 3


def diffusion_gemma(sharpness=80.0, seed=0):
    text = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "num_global_key_value_heads": 2,  # early transformers do not follow the line above
        "head_dim": 8,
        "global_head_dim": 8,
        "sliding_window": 6,
        "layer_types": ["sliding_attention", "full_attention"],
        "num_experts": 2,
        "top_k_experts": 1,
        "moe_intermediate_size": 16,
        "pad_token_id": PAD,
        "eos_token_id": END,
        "bos_token_id": BEGIN,
    }
    vision = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 8,
    }
    images = {"image_token_id": 31, "boi_token_id": 30, "eoi_token_id": 29}
    torch.manual_seed(seed)
    config = DiffusionGemmaConfig(text_config=text, vision_config=vision, canvas_length=CANVAS, **images)
    model = DiffusionGemmaForBlockDiffusion(config).eval()
    with torch.no_grad():
        model.model.decoder.embed_tokens.weight.normal_(0, 0.02 * sharpness)
    return model


def prompts(rows, prompt, seed=0, blocks=1, padded=False):
    """Random prompts of `prompt` tokens, of several lengths where `padded`, each before `blocks` blocks."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(4, 29, (rows, prompt + blocks * CANVAS), generator=generator)
    if padded:
        column = torch.arange(tokens.shape[1])
        tokens = tokens.masked_fill(column < torch.arange(rows)[:, None] % (prompt - 1), PAD)
    return Queries.of(tokens, (torch.arange(tokens.shape[1]) >= prompt).expand_as(tokens))


def preset(denoiser, steps=48, **more):
    """`configs/sampler/diffusion_gemma.yaml`, in Python."""
    return Sampler(
        denoiser,
        proposal=Draw(),
        plan=EntropyBoundAcceptance(0.1, steps),
        halting=StableAndConfident(1, 0.005),
        processors=(LinearTemperature(steps, 0.8, 0.4),),
        **more,
    )
