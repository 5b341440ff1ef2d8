"""Files that torch and Lightning write as pickles: they may run any code when they are opened, so they are not."""

from pathlib import Path

ENDINGS = frozenset({".bin", ".ckpt", ".pkl", ".pt", ".pth"})
ZIP, PICKLE = b"PK\x03\x04", b"\x80"


def is_pickle(file: Path) -> bool:
    """Whether a file that is no safetensors file is a pickle, by its ending or its first bytes."""
    with file.open("rb") as opened:
        begin = opened.read(4)
    return file.suffix.lower() in ENDINGS or begin == ZIP or (begin[:1] == PICKLE and begin[1:2] in b"\x02\x03\x04\x05")


def refuse_pickles_alone(folder: Path) -> None:
    """Does nothing where the folder holds a safetensors file.

    Raises:
        ValueError: the folder holds pickled weights only.
    """
    pickles = sorted(file for file in folder.glob("*") if file.suffix.lower() in ENDINGS)
    if pickles and not any(folder.glob("*.safetensors")):
        raise ValueError(refusal(pickles[0]))


def refusal(file: Path) -> str:
    """Why a pickle is refused, and the remedy."""
    return (
        f"{file} is a pickle, which may run any code when it is opened; convert it to safetensors: "
        f"adaptive-diffusion import {file} FOLDER"
    )
