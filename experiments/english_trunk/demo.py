"""English by two models: one fills a gap in a sentence, an autoregressive one writes on from its beginning.

python experiments/english_trunk/demo.py runs/minilm --reference imported/smollm2 --gguf SmolLM2-135M-Instruct.Q4_1.gguf
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from adaptive_diffusion.evaluation.pretrained_reference import PretrainedReference
from adaptive_diffusion.runs.trained_model import TrainedModel, load_trained_model
from adaptive_diffusion.storage.atomic_write import atomic_write_file

SENTENCES = (
    ("The Eiffel Tower is", "in Paris, France."),
    ("Albert Einstein was a physicist who", "the theory of relativity."),
    ("The Pacific Ocean is the", "of the five oceans of the Earth."),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="of the masked denoiser")
    parser.add_argument("--reference", required=True, help="folder or name of the autoregressive model")
    parser.add_argument("--gguf", help="its file in the GGUF format")
    parser.add_argument("--tokens", type=int, default=8, help="to be written")
    parser.add_argument("--sampler", default="threshold")
    parser.add_argument("--out", type=Path, help="JSON file for the rows")
    options = parser.parse_args()
    torch.set_num_threads(1)
    reference = PretrainedReference.from_pretrained(options.reference, options.gguf)
    source = load_trained_model(options.run)
    rows = compared(source, options.sampler, reference, SENTENCES, options.tokens)
    for row in rows:
        print(f"masked, {row['nfe']} forwards, {row['bits_per_byte']:.2f} bits a byte by the reference: {row['text']}")
        print(f"autoregressive, {options.tokens} forwards: {row['begin']}{row['continued']}\n")
    if options.out:
        record = {"run": options.run.name, "sampler": options.sampler, "tokens": options.tokens, "rows": rows}
        atomic_write_file(options.out, json.dumps(record, indent=1) + "\n")


def compared(
    source: TrainedModel, sampler: str, reference: PretrainedReference, sentences: Any, tokens: int
) -> list[dict[str, Any]]:
    """Each sentence with a gap of so many tokens between its two parts, filled by the denoiser; and what the reference
    model writes behind the first part alone. The reference model scores the filled sentence."""
    gap = f"<|{tokens}|>"
    with TemporaryDirectory() as folder:
        file = Path(folder, "sentences.lines")
        file.write_text("\n".join(f"{begin} {gap} {end}" for begin, end in sentences), encoding="utf-8")
        problems = source.task.read(file, False).problems
    result = source.sampler(sampler).sample(source.task.queries(problems))
    texts = [source.task.decode(answer) for answer in result.answers]
    return [
        {
            "text": text.rstrip("␃"),
            "nfe": int(nfe),
            "bits_per_byte": reference.bits_per_byte([text.rstrip("␃")]),
            "begin": begin,
            "continued": reference.continued(begin, tokens),
        }
        for text, nfe, (begin, _) in zip(texts, result.nfe, sentences, strict=True)
    ]


if __name__ == "__main__":
    main()
