"""Our models in the lm-evaluation-harness (extra `lm-eval`), by a launcher that makes them known to a released version:

python -m adaptive_diffusion.plugins.lm_eval run --model adaptive_diffusion \
    --model_args model=llada_8b_instruct,sampler=llada_instruct --tasks gsm8k --apply_chat_template
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from adaptive_diffusion.config import compose_part, instantiate, resolve
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.pretrained.loading import extra
from adaptive_diffusion.plugins.likelihood import completion_bound
from adaptive_diffusion.runs.compare import build_sampler
from adaptive_diffusion.storage.hub import from_pretrained

LM: Any = extra("lm_eval.api.model", "lm-eval").LM
NAME = "adaptive_diffusion"
BUCKET = 32
"""Prompts are padded to multiples of this, by their own length alone, so that no answer depends on its neighbours."""


class DiffusionLM(LM):
    """A pretrained denoiser with one of our samplers.

    Args:
        model: a name in configs/model, or a folder or repository of `adaptive-diffusion export`.
        sampler: a name in configs/sampler.
        batch_size: sequences forwarded at once.
        draws: forwards for each log-likelihood.
        max_gen_toks: answer length where a task names none.
        seed: keys the random draws.
        device: where the model computes.

    Raises:
        ValueError: a model without a tokenizer, unknown names.
    """

    def __init__(
        self,
        model: str,
        sampler: str = "confidence",
        batch_size: int | str = 8,
        draws: int = 128,
        max_gen_toks: int = 256,
        seed: int = 0,
        device: str = "cpu",
        **unused: Any,
    ):
        super().__init__()
        self.model = _open(model).to(device)
        self.denoiser: Any = self.model.denoiser
        if getattr(self.denoiser, "tokenizer", None) is None:
            raise ValueError(f"{model} has no tokenizer to read tasks with; take a pretrained denoiser that has one")
        self.tokenizer = self.denoiser.tokenizer
        self.sampler = build_sampler(instantiate(compose_part("sampler", sampler)), self.model)
        self.slots, self.draws, self.seed = int(batch_size), int(draws), int(seed)
        self.max_gen_toks, self.where = int(max_gen_toks), device
        self.forwards: dict[str, int] = {}

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """Answers up to the end token or the task's stop strings, whichever comes first."""
        asked = [(self._encode(text), self._answer_length(options)) for text, options in map(_arguments, requests)]
        answers = [""] * len(requests)
        for group in _alike([(_padded(len(prompt)), length) for prompt, length in asked]):
            width, length = _padded(len(asked[group[0]][0])), asked[group[0]][1]
            sequence = [asked[index][0] + [self._filler] * length for index in group]
            queries = self._queries(group, sequence, [length] * len(group), width + length)
            sampler = self.sampler
            if per_canvas := getattr(self.denoiser, "canvas_length", None):
                sampler = replace(sampler, block_length=per_canvas)
            result = sampler.sample(queries, seed=self.seed, slots=self.slots)
            for place, index in enumerate(group):
                text = self._decode(result.answers[place, -length:].tolist())
                answers[index] = _until(text, _arguments(requests[index])[1].get("until") or [])
                self._note(requests[index], int(result.nfe[place]))
        return answers

    def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Estimates of the bound on log p(continuation | context), in nats. Whether greedy decoding would write the
        same is not asked: it depends on the sampler, and would cost an answer each."""
        pairs = [self._pair(*request.args) for request in requests]
        return [(bound, False) for bound in self._bounds(requests, pairs)]

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
        """The same for whole texts, each in one piece."""
        return self._bounds(requests, [self._pair("", request.args[0]) for request in requests])

    def get_model_info(self) -> dict[str, Any]:
        """NFE of every request so far, for the results file."""
        each = torch.tensor(list(self.forwards.values()) or [0]).double()
        summary = {"nfe_mean": float(each.mean()), "nfe_p95": float(each.quantile(0.95)), "nfe_max": int(each.max())}
        return {**summary, "nfe_by_request": self.forwards}

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The conversation as the tokenizer's template writes it."""
        return self.tokenizer.apply_chat_template(
            chat_history, tokenize=False, add_generation_prompt=add_generation_prompt
        )

    @property
    def tokenizer_name(self) -> str:
        """Names the cache of prompts."""
        return str(self.tokenizer.name_or_path).replace("/", "__")

    def _bounds(self, requests: Sequence[Any], pairs: list[tuple[list[int], list[int]]]) -> list[float]:
        bounds = [0.0] * len(pairs)
        for group in _alike([_padded(len(context) + len(rest)) for context, rest in pairs]):
            whole = [context + rest for context, rest in (pairs[index] for index in group)]
            lengths = [len(pairs[index][1]) for index in group]
            queries = self._queries(group, whole, lengths, _padded(max(map(len, whole))))
            found = completion_bound(self.model, queries, self.draws, self.seed, self.slots)
            for place, index in enumerate(group):
                bounds[index] = -float(found[place])
                self._note(requests[index], self.draws)
        return bounds

    def _queries(self, ids: list[int], rows: list[list[int]], answers: list[int], width: int) -> Queries:
        """Rows padded on the left, the last `answers` positions of each editable."""
        filled = torch.tensor([[self._filler] * (width - len(row)) + row for row in rows])
        editable = torch.arange(width) >= width - torch.tensor(answers)[:, None]
        return Queries(*(part.to(self.where) for part in (torch.tensor(ids), filled, editable)))

    @property
    def _filler(self) -> int:
        if self.denoiser.tokens.pad is None:
            raise ValueError(f"{self.tokenizer_name} names no padding token; prompts of several lengths need one")
        return self.denoiser.tokens.pad

    def _pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """Spaces at the end of a context belong to what follows; tokens are split where the context's own end."""
        kept = context.rstrip()
        continuation, context = context[len(kept) :] + continuation, kept
        whole, begun = self._encode(context + continuation), self._encode(context) if context else []
        if not whole[len(begun) :]:
            raise ValueError(f"the continuation {continuation!r} has no tokens of its own")
        return whole[: len(begun)], whole[len(begun) :]

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)

    def _decode(self, tokens: list[int]) -> str:
        ends = [place for place, token in enumerate(tokens) if token in self.denoiser.tokens.end]
        return self.tokenizer.decode(tokens[: ends[0]] if ends else tokens, skip_special_tokens=True)

    def _answer_length(self, options: dict[str, Any]) -> int:
        length = int(options.get("max_gen_toks", self.max_gen_toks))
        return (
            -(-length // sequence) * sequence if (sequence := getattr(self.denoiser, "canvas_length", None)) else length
        )

    def _note(self, request: Any, forwards: int) -> None:
        key = f"{request.task_name}/{request.doc_id}/{request.idx}"
        self.forwards[key] = self.forwards.get(key, 0) + forwards


def register() -> None:
    """Makes `--model adaptive_diffusion` known to lm-eval, whether or not it looks for entry points."""
    extra("lm_eval.api.registry", "lm-eval").register_model(NAME)(DiffusionLM)


def main() -> None:
    """lm-eval's own command line with our models in it."""
    register()
    extra("lm_eval.__main__", "lm-eval").cli_evaluate()


def _open(name: str) -> DenoiserWithHeads:
    known = not Path(name).exists() and "/" not in name
    model = instantiate(resolve(compose_part("model", name))["network"]) if known else from_pretrained(name)
    return model if isinstance(model, DenoiserWithHeads) else DenoiserWithHeads(model)


def _arguments(request: Any) -> tuple[str, dict[str, Any]]:
    return request.args


def _padded(length: int) -> int:
    return max(BUCKET, -(-length // BUCKET) * BUCKET)


def _alike(keys: list[Any]) -> Iterator[list[int]]:
    """Indices of equal keys, group by group."""
    for key in dict.fromkeys(keys):
        yield [index for index, other in enumerate(keys) if other == key]


def _until(text: str, stops: Sequence[str] | str) -> str:
    stops = [stops] if isinstance(stops, str) else stops
    return text[: min((text.find(stop) for stop in stops if stop and stop in text), default=len(text))]


if __name__ == "__main__":
    main()
