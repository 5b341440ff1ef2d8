"""Exported models: a folder with config.json, model.safetensors and a model card, on the disk or on the hub.

`model.safetensors` is a checkpoint (`checkpoint.py`), which contains its config; `config.json` and the card show the
same facts to people and to the hub. For a denoiser with pretrained weights only heads and adapters are exported.
"""

import json
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from torch import nn

from adaptive_diffusion.config.resolution import leaves
from adaptive_diffusion.models.pretrained.loading import extra
from adaptive_diffusion.models.pretrained.pickles import refuse_pickles_alone
from adaptive_diffusion.storage.atomic_write import atomic_write, atomic_write_file
from adaptive_diffusion.storage.checkpoint import FORMAT, Header, load_checkpoint, read_header

REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"


def save_pretrained(checkpoint: Path, folder: Path) -> Path:
    """Exports a checkpoint file to `folder`, which is new, empty or an earlier export, and returns `folder`.

    Raises:
        ValueError: if the file is not a checkpoint, or the folder holds something else.
    """
    header = read_header(checkpoint)
    refuse_taken(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = {"format": FORMAT, "weights": weights_are(header), "model": header.config, "about": header.about}
    # First, because it marks the folder as an export: what was interrupted can be done again.
    atomic_write_file(folder / CONFIG, json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    with atomic_write(folder / WEIGHTS) as part:
        part.write_bytes(checkpoint.read_bytes())
    atomic_write_file(folder / CARD, model_card(header))
    return folder


def refuse_taken(folder: Path) -> None:
    """Refuses a folder with files of the user, which an export would overwrite.

    Raises:
        ValueError: naming one of the files.
    """
    held = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if not held:
        return
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        config = None
    match config:
        case {"format": str(found)} if found == FORMAT:
            return
    named = next((name for name in (CARD, CONFIG, WEIGHTS) if name in held), held[0])
    raise ValueError(f"{folder} holds {named}, which is no export; name a new folder")


def from_pretrained(name: str | Path, revision: str | None = None, allow: Sequence[str] = ()) -> nn.Module:
    """The module of an exported folder or of a repository on the hub, in evaluation mode.

    Args:
        name: a folder, a checkpoint file, or OWNER/NAME on the hub.
        revision: commit, branch or tag on the hub.
        allow: modules whose classes the config may name; `transformers_modules` allows remote code.

    Raises:
        ValueError: if the folder has no checkpoint, or its checkpoint is refused, or it has pickled weights only.
        ModuleNotFoundError: if the name is on the hub and the extra `pretrained` is not installed.
    """
    folder = Path(name)
    if folder.is_file():
        return load_checkpoint(folder, allow)
    if not folder.is_dir():
        folder = fetch(str(name), revision)
    refuse_pickles_alone(folder)
    return load_checkpoint(folder / WEIGHTS, allow)


def fetch(name: str, revision: str | None = None) -> Path:
    """The folder to which a repository of the hub is downloaded.

    Raises:
        ValueError: a path below an existing folder, a name that cannot be on the hub, or a repository that cannot be
            fetched.
        ModuleNotFoundError: if the extra `pretrained` is not installed.
    """
    refuse_misspelt(name)
    if not REPOSITORY.fullmatch(name):
        raise ValueError(f"There is no file or folder {name}, and a name on the hub has the form OWNER/NAME.")
    hub = extra("huggingface_hub")
    try:
        return Path(hub.snapshot_download(name, revision=revision, allow_patterns=[WEIGHTS, CONFIG, CARD]))
    except (OSError, ValueError) as error:
        raise ValueError(f"There is no file or folder {name}, and the hub does not give it: {error}") from error


def refuse_misspelt(name: str) -> None:
    """Refuses a name that begins with an existing folder: it is a path with a spelling mistake, and none on the hub.

    Raises:
        ValueError: naming what the folder holds of a similar name.
    """
    folder = Path(name).parent
    if folder.parts and folder.is_dir():
        near = get_close_matches(Path(name).name, [path.name for path in folder.iterdir()], n=1)
        advice = f"the nearest is {folder / near[0]}" if near else f"look into {folder} for its name"
        raise ValueError(f"There is no file or folder {name}; {advice}.")


def push_to_hub(folder: Path, repository: str, private: bool = True) -> str:
    """Uploads an exported folder and returns its address. Private by default, because publishing cannot be undone.

    Raises:
        ValueError: if the folder is not an export, the name cannot be on the hub, or the hub does not take it.
        ModuleNotFoundError: if the extra `pretrained` is not installed.
    """
    check_repository(repository)
    if missing := [name for name in (WEIGHTS, CONFIG, CARD) if not (folder / name).is_file()]:
        raise ValueError(f"{folder} lacks {', '.join(missing)}; export to it first: adaptive-diffusion export")
    hub = extra("huggingface_hub")
    api = hub.HfApi(library_name="adaptive-diffusion")
    try:
        address = api.create_repo(repository, private=private, exist_ok=True)
        api.upload_folder(repo_id=address.repo_id, folder_path=folder, allow_patterns=[WEIGHTS, CONFIG, CARD])
    except (OSError, ValueError, *hub.errors.HfHubHTTPError.__bases__) as error:  # the HTTP library's own among them
        why = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{folder} is not uploaded to {repository}: {why}; log in with `hf auth login`, or look whether the hub "
            "can be reached, and give the command again"
        ) from error
    return str(address)


def check_repository(name: str) -> None:
    """Refuses a name that cannot be on the hub.

    Raises:
        ValueError: naming it.
    """
    if not REPOSITORY.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a name on the hub; write OWNER/NAME")


def weights_are(header: Header) -> str:
    """`ema` for an exponential moving average, `raw` for the weights of the last step, else `unknown`."""
    averaged = header.about.get("averaged")
    return "ema" if averaged is True else "raw" if averaged is False else "unknown"


def own_modules(header: Header) -> set[str]:
    """The modules outside this package whose classes the configs of the model and of its task name."""
    named = [*leaves(header.config), *leaves(header.about.get("task") or {})]
    targets = [str(value) for key, value in named if key.split(".")[-1] == "_target_"]
    return {target.rpartition(".")[0] for target in targets if not target.startswith("adaptive_diffusion.")}


def model_card(header: Header) -> str:
    """The model card in Markdown: class, base model, kind of weights, metadata, and how to load the model."""
    borrowed = {key.rpartition(".")[2]: value for key, value in leaves(header.config) if key.startswith("denoiser.")}
    base = borrowed.get("name") if str(borrowed.get("_target_", "")).endswith("from_pretrained") else None
    words = {"ema": "an exponential moving average over training", "raw": "the last of training", "unknown": "unknown"}
    modules = sorted(own_modules(header))
    allow = f", allow={json.dumps(modules)}" if modules else ""
    about: dict[str, Any] = {key: value for key, value in header.about.items() if not isinstance(value, dict)}
    return "\n".join(
        [
            "---",
            "library_name: adaptive-diffusion",
            "tags: [text-diffusion, adaptive-compute]",
            *([f"base_model: {base}"] if base else []),
            "---",
            "",
            f"# {str(header.config['_target_']).rpartition('.')[2]}",
            "",
            f"Weights: {words[weights_are(header)]} (`{weights_are(header)}`).",
            *([f"Heads and adapters only; the denoiser itself is {base}, loaded from there."] if base else []),
            "",
            *(f"- {key}: {value}" for key, value in about.items()),
            "",
            *([f"Modules that must be importable: {', '.join(modules)}.", ""] if modules else []),
            "```python",
            "import adaptive_diffusion as ad",
            "",
            f'model = ad.load("OWNER/NAME"{allow})',
            "```",
            "",
        ]
    )
