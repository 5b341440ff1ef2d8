"""Text of your own: train on a file or a folder, then write a part of a text anew in several variations.

python examples/own_text.py my_texts/
"""

import sys
from pathlib import Path

from plain_training import train

import adaptive_diffusion as ad
from adaptive_diffusion.sampling.editing import edit
from adaptive_diffusion.tasks.editing import EditSpec
from adaptive_diffusion.tasks.text import TextDataModule


def main(corpus: str = "docs", steps: int | str = 1000) -> None:
    data = TextDataModule(length=128, corpus=corpus, batch_size=32, test_problems=100)  # tokens are bytes
    model = train(data, int(steps))
    sampler = ad.Sampler(model, proposal=ad.proposal.Draw(), pace=ad.pace.Threshold(0.7))
    text = next(file for file in sorted(Path(corpus).rglob("*.*")) if file.is_file()).read_bytes()[:400]
    made = edit(sampler, data.task.editor.draft(text, EditSpec(rewrite=["20:40"])), n=3, seed=0)
    for seed, variation in zip(made.seeds, made.contents, strict=True):
        print(f"seed {seed}: {variation[:60]!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
