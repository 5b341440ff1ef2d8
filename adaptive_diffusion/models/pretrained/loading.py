"""Checkpoints of the ecosystem. No pickle is opened, and no code beside the weights runs without consent."""

import importlib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from adaptive_diffusion.models.pretrained.pickles import refuse_pickles_alone
from adaptive_diffusion.models.pretrained.remote_code import explained

_BORROWING: ContextVar[bool] = ContextVar("borrowing", default=False)


def extra(module: str, name: str = "pretrained") -> ModuleType:
    """A module of one of this package's extras.

    Raises:
        ModuleNotFoundError: it is not installed; the message names the extra.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        wanted = f"{module} is needed here: pip install 'adaptive-diffusion[{name}]'"
        raise ModuleNotFoundError(wanted, name=error.name) from error


@contextmanager
def borrow() -> Iterator[None]:
    """While a pretrained model is built: its size is accounted for by its own files, not by those of the heads that are
    stored beside its name."""
    token = _BORROWING.set(True)
    try:
        yield
    finally:
        _BORROWING.reset(token)


def borrowing() -> bool:
    """Whether a pretrained model is being built right now."""
    return _BORROWING.get()


@dataclass(frozen=True)
class Checkpoint:
    """A pretrained model by its name.

    Attributes:
        name: of a model on the Hugging Face hub, or a folder.
        revision: commit, branch or tag on the hub.
        remote_code: run the Python files that lie beside the weights. They may do anything the user may do, so a model
            of the hub needs a revision too: the code that was read is then the code that runs.
        dtype: of the weights in memory, as torch names it.

    Raises:
        ValueError: remote code without a pinned commit, an unknown dtype, a consent that is neither true nor false.
    """

    name: str
    revision: str | None = None
    remote_code: bool = False
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if not isinstance(getattr(torch, self.dtype, None), torch.dtype):
            raise ValueError(f"dtype={self.dtype!r} is no torch dtype; use float32 or bfloat16")
        if not isinstance(self.remote_code, bool):
            raise ValueError(f"remote_code={self.remote_code!r} must be true or false")
        if self.remote_code and not (Path(self.name).is_dir() or _is_commit(self.revision)):
            raise ValueError(
                f"remote_code for {self.name} needs revision=COMMIT, the 40 digits of the commit whose code was read; "
                f"revision={self.revision!r} can come to mean other code"
            )

    def open(self, auto: str) -> tuple[Any, Any]:
        """The model by the class `auto` of `transformers`, in evaluation mode, and its tokenizer (None for a checkpoint
        without one).

        Raises:
            ValueError: a checkpoint that needs code of its own without consent, code of a third repository, or weights
                that exist as a pickle only.
            ModuleNotFoundError: without the extra `pretrained`.
        """
        transformers = extra("transformers")
        where: dict[str, Any] = {"revision": self.revision, "trust_remote_code": self.remote_code}
        self._check_code(transformers)
        refuse_pickles_alone(Path(self.name))
        with torch.random.fork_rng(devices=[]):
            model = getattr(transformers, auto).from_pretrained(
                self.name, dtype=getattr(torch, self.dtype), use_safetensors=True, **where
            )
        if self._file("tokenizer_config.json") is None:
            return model.eval(), None
        return model.eval(), transformers.AutoTokenizer.from_pretrained(self.name, padding_side="left", **where)

    def generation_settings(self) -> dict[str, Any]:
        """What generation_config.json holds; empty for a checkpoint without.

        Raises:
            ValueError: a file that holds no JSON object.
        """
        file = self._file("generation_config.json")
        if file is None:
            return {}
        try:
            settings = json.loads(Path(file).read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"generation_config.json of {self.name} cannot be read: {error}") from error
        if not isinstance(settings, dict):
            raise ValueError(f"generation_config.json of {self.name} holds no settings but {type(settings).__name__}")
        return settings

    def explaining(self) -> AbstractContextManager[None]:
        """While code beside the weights runs for the first time, its errors are explained (`remote_code.explained`)."""
        if not self.remote_code:
            return nullcontext()
        transformers = extra("transformers")
        return explained(self.name, self._config(transformers), transformers.__version__)

    def _file(self, name: str) -> str | None:
        return extra("transformers").utils.cached_file(
            self.name, name, revision=self.revision, _raise_exceptions_for_missing_entries=False
        )

    def _config(self, transformers: ModuleType) -> dict[str, Any]:
        return transformers.PretrainedConfig.get_config_dict(self.name, revision=self.revision)[0]

    def _check_code(self, transformers: ModuleType) -> None:
        config = self._config(transformers)
        code: dict[str, Any] = config.get("auto_map") or {}
        native = config.get("model_type") in transformers.CONFIG_MAPPING
        if code and not native and not self.remote_code:
            raise ValueError(
                f"{self.name} needs the code that lies beside its weights. Read it; if you trust it: "
                "remote_code=true revision=COMMIT"
            )
        foreign = [path for path in code.values() if "--" in str(path)]
        if foreign and self.remote_code:
            raise ValueError(
                f"{self.name} would run code of another repository, {foreign[0]}, which its revision does not pin; "
                "copy model and code into one folder and name that"
            )


def _is_commit(revision: str | None) -> bool:
    return revision is not None and len(revision) == 40 and all(digit in "0123456789abcdef" for digit in revision)
