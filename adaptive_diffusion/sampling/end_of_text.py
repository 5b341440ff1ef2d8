"""An answer ends at its end token: what would stand behind it is not written."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from adaptive_diffusion.core.state import HaltReason, SamplerState


def end_of_text(state: SamplerState, end_tokens: Sequence[int]) -> Tensor:
    """[B, L] bool, the editable positions behind the first committed end token with nothing open before it.

    Args:
        state: a batch of sequences.
        end_tokens: ids of tokens that end an answer.
    """
    if not end_tokens:
        return torch.zeros_like(state.committed)
    ends = torch.isin(state.tokens, torch.tensor(end_tokens, device=state.tokens.device))
    unwritten = (state.editable & ~state.committed).cumsum(1) > 0
    end = state.editable & state.committed & ends & ~unwritten
    return state.editable & (end.cumsum(1) - end.long() > 0)


def drop_behind_end(state: SamplerState, end_tokens: Sequence[int], halted_only: bool = False) -> SamplerState:
    """The state in which every row whose end token stands committed, with nothing open before it, has halted; what is
    behind that token is committed as the end token. Faulty rows stay as they are.

    Args:
        state: the state after a step.
        end_tokens: ids of tokens that end an answer; without any, the state stays as it is.
        halted_only: whether rows that have not halted go on, since what they count as committed may be noise.
    """
    sound = (state.halt_reason != HaltReason.FAULT) & ~(state.running & halted_only)
    behind = end_of_text(state, end_tokens) & sound[:, None]
    ended = behind.any(1)
    if not ended.any():
        return state
    # The token in front of the dropped ones is the end token that stands there.
    first = behind.long().argmax(1, keepdim=True)
    places = torch.arange(behind.shape[1], device=behind.device)
    end = (state.editable & (places < first)).long() * (places + 1)
    token = state.tokens.gather(1, end.argmax(1, keepdim=True)).expand_as(behind)
    changed = behind & state.committed & (state.tokens != token)
    return replace(
        state,
        tokens=torch.where(behind, token, state.tokens),
        committed=state.committed | behind,
        commit_probability=state.commit_probability.masked_fill(behind, 1.0),
        revisions=state.revisions + changed,
        halt_reason=state.halt_reason.masked_fill(ended & state.running, HaltReason.ALL_COMMITTED),
    )
