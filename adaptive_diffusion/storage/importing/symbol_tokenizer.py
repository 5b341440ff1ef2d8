"""A tokenizer of `transformers` for models whose tokens are single characters, as plain files."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

BEGIN_AND_END = ("cls", "sep"), ("bos", "eos")


def tokenizer_files(vocabulary: Sequence[str], special: Mapping[str, str]) -> dict[str, str]:
    """tokenizer.json and tokenizer_config.json: a token for each character, special tokens around them.

    Args:
        vocabulary: the tokens in the order of their ids.
        special: role → token.

    Raises:
        ValueError: a special token that is not in the vocabulary, or no pair of tokens around a text.
    """
    ids = {token: number for number, token in enumerate(vocabulary)}
    if missing := [token for token in special.values() if token not in ids]:
        raise ValueError(f"the special tokens {', '.join(missing)} are not in the vocabulary")
    begin, end = next(
        ([special[one] for one in pair] for pair in BEGIN_AND_END if set(pair) <= set(special)), [None] * 2
    )
    if begin is None or end is None:
        raise ValueError("a tokenizer needs the special tokens cls and sep, or bos and eos")
    added = [
        {"id": ids[token], "content": token, "special": True, "normalized": False}
        | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
        for token in sorted(set(special.values()), key=lambda token: ids[token])
    ]
    around: dict[str, Any] = {token: {"id": token, "ids": [ids[token]], "tokens": [token]} for token in (begin, end)}
    single = [*_special(begin, 0), {"Sequence": {"id": "A", "type_id": 0}}, *_special(end, 0)]
    pair = [*single, {"Sequence": {"id": "B", "type_id": 0}}, *_special(end, 0)]
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "WhitespaceSplit"},
                {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False},
            ],
        },
        "post_processor": {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": around},
        "decoder": {"type": "Fuse"},
        "model": {"type": "WordLevel", "vocab": ids, "unk_token": special["unk"]},
    }
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 1_000_000}
    settings |= {f"{role}_token": token for role, token in special.items()}
    return {
        "tokenizer.json": json.dumps(tokenizer, indent=1, ensure_ascii=False) + "\n",
        "tokenizer_config.json": json.dumps(settings, indent=1) + "\n",
    }


def _special(token: str, kind: int) -> list[dict[str, Any]]:
    return [{"SpecialToken": {"id": token, "type_id": kind}}]
