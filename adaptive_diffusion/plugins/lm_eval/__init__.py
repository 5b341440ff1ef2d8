"""Our models in the lm-evaluation-harness (extra `lm-eval`), by a launcher that registers them with a released version:

python -m adaptive_diffusion.plugins.lm_eval run --model adaptive_diffusion \
    --model_args model=llada_8b_instruct,sampler=llada_instruct --tasks gsm8k --apply_chat_template

`model` holds the class that lm-eval calls, `options` reads generation options and model arguments, `text` turns text
into tokens and back, `requests` numbers requests and groups them.
"""

from adaptive_diffusion.models.pretrained.loading import extra
from adaptive_diffusion.plugins.lm_eval.model import DiffusionLM

NAME = "adaptive_diffusion"

__all__ = ["NAME", "DiffusionLM", "main", "register"]


def register() -> None:
    """Registers `--model adaptive_diffusion` with lm-eval, which need not look for entry points then."""
    extra("lm_eval.api.registry", "lm-eval").register_model(NAME)(DiffusionLM)


def main() -> None:
    """lm-eval's own command line with our models registered."""
    register()
    extra("lm_eval.__main__", "lm-eval").cli_evaluate()
