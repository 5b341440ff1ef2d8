"""Continuous batching of a DiffusionGemma against transformers' own `generate`: the same weights, prompts and rules."""

import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from adaptive_diffusion.config import compose_part, instantiate
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.pretrained import DiffusionGemma
from adaptive_diffusion.models.pretrained.ids import SpecialTokens
from adaptive_diffusion.models.pretrained.loading import extra

PROMPT, CANVAS, VOCABULARY, SLOTS = 16, 32, 64, 16
TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "global_head_dim": 32,
    "sliding_window": 16,
    "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
    "num_experts": 2,
    "top_k_experts": 1,
    "moe_intermediate_size": 64,
}
VISION = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
}


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    """Rows `pretrained/diffusion_gemma/SHARPNESS`: `time_ratio` and `rows_ratio` are transformers' seconds and
    forwarded rows over ours, `saved` the first over the second. `generate` forwards a batch until its slowest row
    stops; both draw for themselves, so that steps are equal in distribution only, and both means are shown.

    Difficulty is mixed by construction: random weights of a sharpness at which some sequences stop early.
    """
    count = 48 if quick else 192
    for sharpness in (20.0,) if quick else (16.0, 20.0, 24.0):
        model = tiny(sharpness)
        generator = torch.Generator().manual_seed(0)
        tokens = torch.randint(4, VOCABULARY - 3, (count, PROMPT + CANVAS), generator=generator)  # no images
        queries = Queries.of(tokens, (torch.arange(PROMPT + CANVAS) >= PROMPT).expand_as(tokens))
        theirs, ours = generate(model, tokens[:, :PROMPT]), continuous(model, queries)
        time_ratio, rows_ratio = theirs["seconds"] / ours["seconds"], theirs["rows"] / ours["rows"]
        yield {
            "name": f"pretrained/diffusion_gemma/{sharpness:g}",
            "saved": time_ratio / rows_ratio,
            "time_ratio": time_ratio,
            "rows_ratio": rows_ratio,
            "processor_ratio": theirs["processor"] / ours["processor"],
            "transformers_seconds": theirs["seconds"],
            "our_seconds": ours["seconds"],
            "transformers_rows": theirs["rows"],
            "our_rows": ours["rows"],
            "transformers_nfe_mean": theirs["nfe_mean"],
            "nfe_mean": ours["nfe_mean"],
            "nfe_min": ours["nfe_min"],
            "nfe_max": ours["nfe_max"],
            "queries": count,
            "slots": SLOTS,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "transformers": extra("transformers").__version__,
        }


def tiny(sharpness: float) -> Any:
    """A randomly initialised model whose tied embedding is so many times as large as usual."""
    transformers = extra("transformers")
    torch.manual_seed(0)
    images = {"image_token_id": VOCABULARY - 1, "boi_token_id": VOCABULARY - 2, "eoi_token_id": VOCABULARY - 3}
    config = transformers.DiffusionGemmaConfig(text_config=TEXT, vision_config=VISION, canvas_length=CANVAS, **images)
    model = transformers.DiffusionGemmaForBlockDiffusion(config).eval()
    with torch.no_grad():
        model.model.decoder.embed_tokens.weight.mul_(sharpness)
    return model


@torch.inference_mode()
def generate(model: Any, prompts: Tensor) -> dict[str, float]:
    """transformers: batch after batch of `SLOTS` prompts."""
    rows: list[int] = []
    hook = model.model.decoder.register_forward_hook(
        lambda module, inputs, named, output: rows.append(len(named["decoder_input_ids"])), with_kwargs=True
    )
    steps = []
    begin, processor = time.perf_counter(), time.process_time()
    for batch in prompts.split(SLOTS):
        out = model.generate(batch, max_new_tokens=CANVAS, eos_token_id=None)
        steps.append(CANVAS / out.tokens_per_forward)
    spent = {"seconds": time.perf_counter() - begin, "processor": time.process_time() - processor}
    hook.remove()
    return {**spent, "rows": sum(rows), "nfe_mean": float(torch.cat(steps).mean())}


def continuous(model: Any, queries: Queries) -> dict[str, float]:
    """Our loop with the preset `diffusion_gemma`."""
    denoiser = DiffusionGemma(model, SpecialTokens.of(model.config))
    sampler = instantiate(compose_part("sampler", "diffusion_gemma"))(denoiser)
    begin, processor = time.perf_counter(), time.process_time()
    result = sampler.sample(queries, slots=SLOTS)
    spent = {"seconds": time.perf_counter() - begin, "processor": time.process_time() - processor}
    nfe = result.nfe.double()
    about = {"nfe_mean": float(nfe.mean()), "nfe_min": int(nfe.min()), "nfe_max": int(nfe.max())}
    return {**spent, **about, "rows": result.rows_forwarded}
