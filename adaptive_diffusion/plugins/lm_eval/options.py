"""Generation options and model arguments of lm-eval: each is honoured, or refused by name."""

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from adaptive_diffusion.config.nearest import did_you_mean
from adaptive_diffusion.models.pretrained.loading import extra
from adaptive_diffusion.rules.processor import Temperature, TopK, TopP
from adaptive_diffusion.rules.proposal import Argmax, Draw
from adaptive_diffusion.sampling.sampler import Sampler

DEFAULT_BATCH_SIZE = 8
LENGTHS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
DRAWING = ("do_sample", "temperature", "top_k", "top_p")
#: Options without a meaning here, accepted at the one value that changes nothing.
NEUTRAL = {"num_beams": 1, "num_return_sequences": 1, "repetition_penalty": 1}


@dataclass(frozen=True)
class Drawing:
    """How a task wants tokens to be drawn.

    Attributes:
        temperature: None: as the sampler does; 0: the most probable token (greedy); otherwise a draw from
            p^(1/temperature).
        top_k, top_p: truncations before the draw; None for no truncation.
    """

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None

    def of(self, sampler: Sampler) -> Sampler:
        """The sampler with these options; order, pace, plan and halting stay. Logits change as in `transformers`:
        temperature first, then top-k, then top-p.

        Raises:
            ValueError: options beside logit processors of the sampler itself, where the two would be applied one after
                the other.
        """
        if self.temperature is None:
            return sampler
        if self.temperature == 0:
            return sampler.with_rules(proposal=Argmax())
        steps = [Temperature(self.temperature)] if self.temperature != 1 else []
        steps += [] if self.top_k is None else [TopK(self.top_k)]
        steps += [] if self.top_p is None else [TopP(self.top_p)]
        if steps and sampler.processors:
            raise ValueError(
                f"{self} is refused: the sampler has logit processors of its own, {sampler.processors}; leave the "
                "options out (--gen_kwargs do_sample=true) or choose a sampler without processors"
            )
        return sampler.with_rules(proposal=Draw(), processors=(*sampler.processors, *steps))

    def __str__(self) -> str:
        named = {"temperature": self.temperature, "top_k": self.top_k, "top_p": self.top_p}
        return ", ".join(f"{name}={value}" for name, value in named.items() if value is not None)


@dataclass(frozen=True)
class GenerationOptions:
    """What a task wants of an answer: at most `max_tokens` tokens, cut before the first of `stops`."""

    max_tokens: int
    stops: tuple[str, ...]
    drawing: Drawing

    @classmethod
    def of(cls, options: Mapping[str, Any], default_length: int) -> "GenerationOptions":
        """The options of a request.

        Raises:
            ValueError: an option that is not known, or a value that it cannot have; both are named.
        """
        _refuse_unknown(options)
        given = [name for name in LENGTHS if options.get(name) is not None]
        for name in given:
            positive_integer(name, options[name])
        normal = extra("lm_eval.models.utils", "lm-eval").normalize_gen_kwargs(
            {name: options[name] for name in given}, default_length
        )
        return cls(normal["max_gen_toks"], _stops(options.get("until")), _drawing(options))


def positive_integer(name: str, value: Any) -> int:
    """An integer of at least 1, also as text.

    Raises:
        ValueError: another value.
    """
    try:
        number = int(value)
        if number != float(value) or isinstance(value, bool):
            raise ValueError
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name}={value!r} is no whole number") from error
    if number < 1:
        raise ValueError(f"{name}={value!r} must be at least 1")
    return number


def slots(batch_size: int | str, max_batch_size: int | str | None = None) -> int:
    """Sequences forwarded at once. `auto` and `auto:N` are not measured: they warn and become the default.

    Raises:
        ValueError: another text, or a number below 1.
    """
    most = None if max_batch_size is None else positive_integer("max_batch_size", max_batch_size)
    if str(batch_size).partition(":")[0] == "auto":
        number = min(DEFAULT_BATCH_SIZE, most or DEFAULT_BATCH_SIZE)
        warnings.warn(
            f"batch_size={batch_size!r} is not measured here; {number} sequences are forwarded at once. Give a number "
            "to use more of the memory",
            stacklevel=3,
        )
        return number
    return positive_integer("batch_size", batch_size)


def refuse_unknown_arguments(unknown: Iterable[str], known: Iterable[str]) -> None:
    """Does nothing where nothing is unknown.

    Raises:
        ValueError: names every unknown model argument with the nearest known one.
    """
    known = list(known)
    if wrong := [f"{name!r}.{did_you_mean(name, known)}" for name in unknown]:
        raise ValueError(f"unknown model argument {' Unknown model argument '.join(wrong)}")


def _refuse_unknown(options: Mapping[str, Any]) -> None:
    known = ("until", *LENGTHS, *DRAWING, *NEUTRAL)
    for name, value in options.items():
        if name not in known:
            raise ValueError(
                f"generation option {name}={value!r} is refused: a diffusion sampler has no such option."
                f"{did_you_mean(name, known)}"
            )
        if name in NEUTRAL and value is not None and value != NEUTRAL[name]:
            raise ValueError(f"generation option {name}={value!r} is refused: only {NEUTRAL[name]} is possible here")


def _stops(until: Any) -> tuple[str, ...]:
    texts = until if isinstance(until, list | tuple) else [until]
    if wrong := [text for text in texts if text is not None and not isinstance(text, str)]:
        raise ValueError(f"until holds {wrong[0]!r}; stops must be texts")
    return tuple(text for text in texts if text)


def _drawing(options: Mapping[str, Any]) -> Drawing:
    """The options about drawing; temperature 0 or do_sample=false is greedy, as in lm-eval."""
    temperature, top_p = (_number(name, options.get(name)) for name in ("temperature", "top_p"))
    do_sample, top_k = options.get("do_sample"), options.get("top_k")
    if do_sample not in (None, True, False):
        raise ValueError(f"do_sample={do_sample!r} must be true or false")
    if temperature is not None and temperature < 0:
        raise ValueError(f"temperature={temperature} must not be negative")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p={top_p} is no share of probability; it must lie in (0, 1]")
    top_k = None if top_k in (None, 0, -1) else positive_integer("top_k", top_k)
    if do_sample is False or temperature == 0:
        return Drawing(0.0)
    if do_sample is None and temperature is None:
        if top_k is not None or top_p not in (None, 1):
            raise ValueError("top_k and top_p need do_sample=true or a temperature")
        return Drawing()
    return Drawing(1.0 if temperature is None else temperature, top_k, None if top_p == 1 else top_p)


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}={value!r} is no number") from error
    if not math.isfinite(number):
        raise ValueError(f"{name}={value!r} is not finite")
    return number
