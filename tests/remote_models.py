"""Models as their authors publish them: weights, a config, and a Python file with the published forward signature."""

import importlib.util
import json

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

WORDS = ["[PAD]", "[END]", "[BEGIN]", "[MASK]", *(f"w{index}" for index in range(20))]
PAD, END, BEGIN, MASK = range(4)

CODE = """
import torch
from torch import nn
from torch.nn import functional as F
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput


class TinyConfig(PretrainedConfig):
    model_type = "tiny_diffusion"

    def __init__(self, vocab_size=24, width=16, **rest):
        self.vocab_size, self.width = vocab_size, width
        super().__init__(**rest)


class Tiny(PreTrainedModel):
    config_class = TinyConfig

    def __init__(self, config):
        super().__init__(config)
        self.embed = nn.Embedding(config.vocab_size, config.width)
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.lm_head = nn.Linear(config.width, config.vocab_size, bias=False)
        self.post_init()

    def _init_weights(self, module):
        if hasattr(module, "weight"):
            nn.init.normal_(module.weight, 0, 0.8)

    def get_output_embeddings(self):
        return self.lm_head

    def read(self, tokens, seen, place):
        x = self.embed(tokens)
        turn = place[..., None] * torch.tensor([1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003])
        cos, sin = turn.cos().to(x.dtype), turn.sin().to(x.dtype)
        query, key, value = self.qkv(x).chunk(3, -1)
        query, key = self.turn(query, cos, sin), self.turn(key, cos, sin)
        return x + F.scaled_dot_product_attention(query[:, None], key[:, None], value[:, None], attn_mask=seen)[:, 0]

    def turn(self, x, cos, sin):
        a, b = x.chunk(2, -1)
        return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


class LLaDAModelLM(Tiny):
    def forward(
        self, input_ids=None, inputs_embeds=None, attention_mask=None, attention_bias=None, past_key_values=None,
        labels=None, use_cache=None, output_attentions=None, output_hidden_states=None, return_dict=None,
        cache_position=None,
    ):
        seen = None if attention_mask is None else attention_mask.bool()[:, None, None]
        place = torch.arange(input_ids.shape[1])[None]
        return CausalLMOutput(logits=self.lm_head(self.read(input_ids, seen, place)))


class IgnoresItsMask(Tiny):
    def forward(self, input_ids=None, attention_mask=None, **rest):
        place = torch.arange(input_ids.shape[1])[None]
        return CausalLMOutput(logits=self.lm_head(self.read(input_ids, None, place)))


class DreamModel(Tiny):
    def forward(
        self, input_ids=None, attention_mask=None, position_ids=None, past_key_values=None, inputs_embeds=None,
        labels=None, use_cache=None, output_attentions=None, output_hidden_states=None, return_dict=None,
        cache_position=None, num_logits_to_keep=0, **loss_kwargs,
    ):
        if isinstance(attention_mask, str):
            assert attention_mask == "full"
            attention_mask = None
        place = torch.arange(input_ids.shape[1])[None] if position_ids is None else position_ids
        hidden = self.read(input_ids, attention_mask, place).roll(-1, 1)
        return CausalLMOutput(logits=self.lm_head(hidden))


class LLaDA2MoeModelLM(Tiny):
    def forward(
        self, input_ids=None, attention_mask=None, position_ids=None, past_key_values=None, inputs_embeds=None,
        labels=None, use_cache=None, output_attentions=None, output_hidden_states=None, output_router_logits=None,
        return_dict=None, **kwargs,
    ):
        assert attention_mask is None or attention_mask.ndim == 4
        place = torch.arange(input_ids.shape[1])[None] if position_ids is None else position_ids
        return CausalLMOutput(logits=self.lm_head(self.read(input_ids, attention_mask, place)))
"""


def tokenizer():
    """Words by the space between them; no model of transformers is needed to read it."""
    inner = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="w0"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    named = {"pad_token": "[PAD]", "eos_token": "[END]", "bos_token": "[BEGIN]", "mask_token": "[MASK]"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="w0", **named)


def publish(folder, name, auto, seed=0, **config):
    """A folder with the class `name` of the code above behind the auto class `auto`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "modeling_tiny.py").write_text(CODE)
    spec = importlib.util.spec_from_file_location("modeling_tiny", folder / "modeling_tiny.py")
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    torch.manual_seed(seed)
    model = getattr(code, name)(code.TinyConfig())
    save_file(model.state_dict(), folder / "model.safetensors", {"format": "pt"})
    classes = {"AutoConfig": "modeling_tiny.TinyConfig", auto: f"modeling_tiny.{name}"}
    about = {"model_type": "tiny_diffusion", "architectures": [name], "auto_map": classes, **config}
    (folder / "config.json").write_text(json.dumps(about))
    tokenizer().save_pretrained(folder)
    return str(folder)
