"""The model that lm-eval calls: a pretrained denoiser with one of our samplers."""

import inspect
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from adaptive_diffusion.config import compose_part, instantiate, named_sampler
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.models.heads import DenoiserWithHeads
from adaptive_diffusion.models.pretrained.loading import extra
from adaptive_diffusion.models.pretrained.parts import pretrained_part, with_heads
from adaptive_diffusion.plugins.likelihood import completion_bound
from adaptive_diffusion.plugins.lm_eval.options import (
    GenerationOptions,
    positive_integer,
    refuse_unknown_arguments,
    slots,
)
from adaptive_diffusion.plugins.lm_eval.requests import Costs, Row, alike, keys, number, queries, repeats, width
from adaptive_diffusion.plugins.lm_eval.text import Frame, Text
from adaptive_diffusion.runs.compare import build_sampler
from adaptive_diffusion.storage.hub import from_pretrained

LM: Any = extra("lm_eval.api.model", "lm-eval").LM


class DiffusionLM(LM):
    """A pretrained denoiser with one of our samplers.

    A request that cannot be answered (too long, or predictions that are not numbers) ends alone: its answer is empty,
    its log-likelihood −∞, and its reason is warned of and stands in the results file.

    Args:
        model: a name in configs/model, or a folder or repository of `adaptive-diffusion export`.
        sampler: a name in configs/sampler, with overrides (`threshold pace.threshold=0.9`).
        batch_size: sequences forwarded at once; `auto` becomes 8.
        max_batch_size: the largest number that `auto` may become.
        draws: forwards for each log-likelihood.
        max_gen_toks: answer length where a task names none.
        seed: keys the random draws, together with task, document and index of a request.
        device: where the model computes.
        add_special_tokens: false for prompts without special tokens; by default the tokenizer's own.
        add_bos_token: true or false for a beginning-of-text token; by default as the tokenizer does.
        allow_module: a module whose classes an exported config may name; `transformers_modules` consents to code beside
            the weights.

    Raises:
        ValueError: a model without a tokenizer, unknown names or arguments, numbers below 1.
    """

    def __init__(
        self,
        model: str,
        sampler: str = "confidence",
        batch_size: int | str = 8,
        max_batch_size: int | None = None,
        draws: int = 128,
        max_gen_toks: int = 256,
        seed: int = 0,
        device: str = "cpu",
        add_special_tokens: bool | None = None,
        add_bos_token: bool | None = None,
        allow_module: str | None = None,
        **unknown: Any,
    ):
        super().__init__()
        known = [name for name in inspect.signature(DiffusionLM.__init__).parameters if name not in ("self", "unknown")]
        refuse_unknown_arguments(unknown, known)
        self.slots = slots(batch_size, max_batch_size)
        self.draws, self.max_gen_toks = positive_integer("draws", draws), positive_integer("max_gen_toks", max_gen_toks)
        self.seed, self.where, self.sampler_name = int(seed), device, sampler
        self.model = _open(model, [allow_module] if allow_module else []).to(device)
        self.denoiser = pretrained_part(self.model)
        if self.denoiser.tokenizer is None:
            raise ValueError(f"{model} has no tokenizer to read tasks with; take a pretrained denoiser that has one")
        self.tokenizer: Any = self.denoiser.tokenizer
        frame = Frame.of(self.tokenizer, add_special_tokens, add_bos_token)
        self.text = Text(self.tokenizer, frame, self.denoiser.tokens.end)
        self.sampler = build_sampler(instantiate(named_sampler(sampler).node), self.model)
        # What would follow the end token is no part of an answer, so no forward is spent on it.
        self.sampler = self.sampler.with_rules(end_tokens=tuple(sorted(self.denoiser.tokens.end)))
        if self.denoiser.canvas_length is not None:
            self.sampler = self.sampler.with_rules(block_length=self.denoiser.canvas_length)
        self.exact_lengths = self.denoiser.padding_changes_predictions
        self.costs = Costs()

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """Answers up to the end token, the task's stops or the task's number of tokens, whichever comes first.

        Raises:
            ValueError: a generation option that cannot be honoured.
        """
        options = [GenerationOptions.of(request.args[1], self.max_gen_toks) for request in requests]
        samplers = {option.drawing: option.drawing.of(self.sampler) for option in options}
        names = keys(requests)
        self._warn_of_changed_proposals(samplers)
        # Special tokens after a text come after its answer; nothing can follow DiffusionGemma's last block.
        after = list(self.text.frame.after) if self.denoiser.canvas_length is None else []
        rows = []
        for place, (request, name, repeat) in enumerate(zip(requests, names, repeats(names), strict=True)):
            prompt = self.text.frame.begin(self.text.encode(request.args[0]))
            answer = [self._filler] * self._canvases(options[place].max_tokens)
            rows.append(Row(place, number(name, repeat), prompt, answer, after))
        answers = [""] * len(requests)

        def answer_group(group: list[Row], batch: Queries) -> Mapping[int, str]:
            sampler = samplers[options[group[0].request].drawing]
            result = sampler.sample(batch, seed=self.seed, slots=self.slots)
            for place, row in enumerate(group):
                self.costs.spend(names[row.request], int(result.nfe[place]))
                if place not in result.faults:
                    tokens = result.answers[place][batch.editable[place]].tolist()
                    option = options[row.request]
                    answers[row.request] = self.text.answer(tokens[: option.max_tokens], option.stops)
            return result.faults

        self._in_groups(rows, names, answer_group, lambda row: options[row.request].drawing)
        return answers

    def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Estimates of the bound on log p(continuation | context), in nats. Whether greedy decoding would write the
        continuation depends on the sampler and is not computed: the second value is always false."""
        self._warn_that_nothing_is_sampled(
            "its second value, is_greedy, is always false, so that a metric made of it (the acc of a task that scores "
            "one continuation, such as LAMBADA's) means nothing"
        )
        names, rows, faults = keys(requests), [], {}
        for place, (request, name, repeat) in enumerate(zip(requests, names, repeats(names), strict=True)):
            try:
                context, continuation = self.text.pair(*request.args)
                rows.append(Row(place, number(name, repeat), context, continuation, list(self.text.frame.after)))
            except ValueError as error:
                faults[place] = str(error)
        return [(value, False) for value in self._log_likelihoods(rows, names, faults)]

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
        """The same for complete texts. One longer than the model's positions is scored in parts, each part after the
        first with the text before it as far as half of the positions hold it."""
        self._warn_that_nothing_is_sampled("texts are scored")
        names, rows = keys(requests), []
        for place, (request, name, repeat) in enumerate(zip(requests, names, repeats(names), strict=True)):
            for part, (before, written) in enumerate(self._parts(self.text.encode(request.args[0]))):
                numbered = number(name, repeat, part)
                after = list(self.text.frame.after)
                rows.append(Row(place, numbered, self.text.frame.begin(before), written, after))
        return self._log_likelihoods(rows, names, {})

    def get_model_info(self) -> dict[str, Any]:
        """NFE and faults of the requests so far, for the results file; null where nothing was computed."""
        return {"sampler": self.sampler_name, "prompts_padded": not self.exact_lengths, **self.costs.summary()}

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The conversation as the tokenizer's template writes it."""
        return self.tokenizer.apply_chat_template(
            chat_history, tokenize=False, add_generation_prompt=add_generation_prompt
        )

    @property
    def forwards(self) -> dict[str, int]:
        """NFE of each request so far, by task, document and index."""
        return self.costs.forwards

    @property
    def tokenizer_name(self) -> str:
        """Names the cache of prompts."""
        return str(self.tokenizer.name_or_path).replace("/", "__")

    def _log_likelihoods(self, rows: list[Row], names: list[str], faults: dict[int, str]) -> list[float]:
        """Sums over the rows of each request; −∞ for a request with a fault."""
        found = [0.0] * len(names)

        def score(group: list[Row], batch: Queries) -> Mapping[int, str]:
            bounds = completion_bound(self.model, batch, self.draws, self.seed, self.slots)
            for place, row in enumerate(group):
                found[row.request] -= float(bounds.nats[place])
                self.costs.spend(names[row.request], self.draws)
            return bounds.faults

        faulty = self._in_groups(rows, names, score, lambda row: None, faults)
        return [-math.inf if place in faulty else value for place, value in enumerate(found)]

    def _in_groups(
        self,
        rows: list[Row],
        names: list[str],
        work: Callable[[list[Row], Queries], Mapping[int, str]],
        kind: Callable[[Row], Any],
        faults: Mapping[int, str] | None = None,
    ) -> dict[int, str]:
        """Calls `work` with rows of one width and kind; it returns the faults among them. Rows that do not fit, and
        groups for which it raises, are faults too; all are warned of and returned, by the place of the request.

        Raises:
            Exception: what `work` raised, where it raised for every row.
        """
        faults = dict(faults or {})
        limit = self.denoiser.max_length
        faults |= {row.request: row.too_long(limit) for row in rows if limit is not None and len(row) > limit}
        fitting, errors = [row for row in rows if limit is None or len(row) <= limit], []
        for group in alike(fitting, lambda row: (width(len(row), self.exact_lengths, limit), kind(row))):
            columns = width(len(group[0]), self.exact_lengths, limit)
            try:
                found = work(group, queries(group, columns, self._filler, self.where))
            except (MemoryError, torch.OutOfMemoryError):
                raise
            except Exception as error:
                found = dict.fromkeys(range(len(group)), str(error) or type(error).__name__)
                errors += [error] * len(group)
            faults |= {group[place].request: why for place, why in found.items()}
        if errors and len(errors) == len(fitting):
            raise errors[0]
        self.costs.warn(faults, names)
        return faults

    def _parts(self, tokens: list[int]) -> list[tuple[list[int], list[int]]]:
        """Context and tokens to score of each part of a text."""
        limit = self.denoiser.max_length
        room = len(tokens) if limit is None else limit - len(self.text.frame.before) - len(self.text.frame.after)
        if len(tokens) <= room:
            return [([], tokens)] if tokens else []
        stride = max(1, room // 2)
        starts = range(room, len(tokens), stride)
        later = [(tokens[start - (room - stride) : start], tokens[start : start + stride]) for start in starts]
        return [([], tokens[:room]), *later]

    def _canvases(self, length: int) -> int:
        """The number of positions that are written for an answer of `length` tokens."""
        canvas = self.denoiser.canvas_length or 1
        return -(-length // canvas) * canvas

    def _warn_that_nothing_is_sampled(self, consequence: str) -> None:
        warnings.warn(
            f"log-likelihood requests are estimated from {self.draws} forwards of the denoiser; the sampler "
            f"{self.sampler_name!r} is not used, so that two samplers have equal results; {consequence}",
            stacklevel=3,
        )

    def _warn_of_changed_proposals(self, samplers: dict[Any, Any]) -> None:
        for drawing, sampler in samplers.items():
            if sampler.proposal != self.sampler.proposal:
                warnings.warn(
                    f"the task's options ({drawing}) replace the proposal {self.sampler.proposal} of the sampler "
                    f"{self.sampler_name!r} by {sampler.proposal}; --gen_kwargs do_sample=… changes that",
                    stacklevel=3,
                )

    @property
    def _filler(self) -> int:
        return self.denoiser.tokens.pad or 0


def _open(name: str, allow: Sequence[str] = ()) -> DenoiserWithHeads:
    is_config = not Path(name).exists() and "/" not in name
    model = instantiate(compose_part("model", name)) if is_config else from_pretrained(name, None, allow)
    return with_heads(model)
