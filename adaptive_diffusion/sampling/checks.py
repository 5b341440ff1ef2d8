"""What a sampler refuses: end tokens, rules and processors that do not fit its denoiser or each other."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

from adaptive_diffusion.core.denoiser import Denoiser
from adaptive_diffusion.core.prediction import LogitProcessor
from adaptive_diffusion.core.query import Queries
from adaptive_diffusion.core.rule import Halting, Plan, Proposal, Remasking, Rule, UnmaskingOrder, UnmaskingPace
from adaptive_diffusion.rules.processor import Suppress, TopK, TopP
from adaptive_diffusion.rules.revision_limits import RevisionLimits

KINDS: dict[str, type] = {
    "proposal": Proposal,
    "order": UnmaskingOrder,
    "pace": UnmaskingPace,
    "remasking": Remasking,
    "halting": Halting,
    "plan": Plan,
    "limits": RevisionLimits,
}


def check_kinds(parts: Mapping[str, Any]) -> None:
    """Raises ValueError for a part that is of another kind than its role asks for: configs are written by hand, and
    what is wrong in one shows only after the first forward otherwise."""
    if parts["denoiser"] is None or isinstance(parts["denoiser"], str):
        raise ValueError(f"{parts['denoiser']!r} is no model; give one, such as ad.load(NAME)")
    for role in ("processors", "end_tokens"):
        if not isinstance(parts[role], Iterable):
            raise ValueError(f"{role}={parts[role]!r} must be a list; write it in brackets")
    optional = {role for role in ("plan", "limits") if parts[role] is None}
    expected = [(role, parts[role], kind) for role, kind in KINDS.items() if role not in optional]
    expected += [("each of processors", processor, LogitProcessor) for processor in parts["processors"]]
    for role, part, kind in expected:
        if not isinstance(part, kind):
            article = "an" if kind.__name__[0] in "AEIOU" else "a"
            raise ValueError(
                f"{role} must be {article} {kind.__name__}, not {part!r}; give an object, as in "
                "pace=ad.pace.Threshold(0.9), or in a config a node with a _target_ (`adaptive-diffusion samplers` "
                "lists them)"
            )


def check_returned(rule: Rule, found: Any, kind: type) -> None:
    """Raises ValueError, naming the rule, for what a rule returned if it is not of the kind that rules of its role
    return."""
    if not isinstance(found, kind):
        raise ValueError(
            f"{type(rule).__name__} returned a {type(found).__name__}; its __call__ must return a {kind.__name__}"
        )


def check_end_tokens(end_tokens: Sequence[int], vocabulary: int) -> None:
    """Raises ValueError for an end token outside the vocabulary."""
    if not all(0 <= token < vocabulary for token in end_tokens):
        raise ValueError(f"end_tokens={list(end_tokens)} reach outside the vocabulary 0…{vocabulary - 1}")


def check_corruption(rules: Iterable[Rule | LogitProcessor], kind: str) -> None:
    """Raises ValueError for a rule or processor that does not serve this kind of corruption."""
    for rule in rules:
        if kind not in rule.corruptions:
            raise ValueError(
                f"{type(rule).__name__} serves {' and '.join(sorted(rule.corruptions))} corruption, but the "
                f"denoiser was trained under {kind} noise; choose a rule for {kind} noise "
                "(`adaptive-diffusion samplers` lists them)"
            )


def check_blocks(rules: Iterable[Rule], denoiser: Denoiser, block_length: int | None) -> None:
    """Raises ValueError for blocks of no position, and for a rule that reads all blocks where the denoiser computes the
    present one alone."""
    if block_length is not None and block_length < 1:
        raise ValueError(f"block_length={block_length} holds no position; use at least 1, or null for none")
    reading = [type(rule).__name__ for rule in rules if rule.reads_all_blocks]
    if reading and block_length is not None and not denoiser.computes_all_blocks:
        # In the other blocks it would read the logits of hidden states of zero: the bias of the output.
        raise ValueError(
            f"this denoiser computes the present block alone, but {' and '.join(reading)} would read the prediction in "
            f"all blocks; choose rules that read one block, or block_length=null in the place of {block_length} where "
            "the answer is one block long"
        )


def check_processors(processors: Sequence[LogitProcessor]) -> None:
    """Raises ValueError for `Suppress` after `TopK` or `TopP`, whose every token it may suppress."""
    kinds = [type(processor) for processor in processors]
    if Suppress in kinds and any(kind in (TopK, TopP) for kind in kinds[: kinds.index(Suppress)]):
        raise ValueError(
            "Suppress stands behind a truncation, whose every token it may suppress; put Suppress first among the "
            "processors"
        )


def check_call(queries: Any, **numbers: Any) -> None:
    """Raises ValueError for queries that are none and for numbers that are not whole; all but the seed are at least 1,
    and None is the default of `max_steps`."""
    if not isinstance(queries, Queries):
        raise ValueError(
            f"{queries!r:.80} is no Queries; give ad.read_queries(FILE, model.task), or Queries.of(tokens, editable)"
        )
    for name, value in numbers.items():
        if value is None and name == "max_steps":
            continue
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise ValueError(f"{name}={value!r} is no whole number; give one")
        if value < 1 and name != "seed":
            raise ValueError(f"{name}={value}; it must be at least 1")
