"""Tiny random models and a byte-level tokenizer: any text tokenises, every architecture runs in milliseconds."""

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from capotasto.base.frozen import FrozenBase

ARCHITECTURES = ("llama", "gpt2", "bloom", "opt", "qwen2", "gemma", "gemma2", "gemma3")
ENCODERS = ("bert", "distilbert", "roberta")

VOCABULARY = 304  # four rows more than the tokenizer knows, as real models have
CONTEXT = 256  # tokens

CHAT_TEMPLATE = (
    "{% for message in messages %}<|start|>{{ message['role'] }}\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)

# What the merges are learnt from: common pairs become tokens of two or three characters.
_TEXT = ["the rain in the north and the sun on the shore: one question, another answer", "positive or negative?"]

_BERT_LIKE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": CONTEXT,
}
_LLAMA_LIKE = {**_BERT_LIKE, "num_key_value_heads": 2}
_GEMMA_LIKE = {**_LLAMA_LIKE, "head_dim": 8}
_SLIDING = {
    **_GEMMA_LIKE,
    "sliding_window": 16,
    "layer_types": ["sliding_attention", "full_attention"],
    "query_pre_attn_scalar": 8,
}

# Name → (model type of transformers, sizes). Three of the eight shapes have neither rotary positions nor shared heads.
_SHAPES: dict[str, tuple[str, dict[str, object]]] = {
    "llama": ("llama", {**_LLAMA_LIKE, "head_dim": 8}),
    "gpt2": ("gpt2", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": CONTEXT}),
    "bloom": ("bloom", {"hidden_size": 32, "n_layer": 2, "n_head": 4}),
    "opt": (
        "opt",
        {
            "hidden_size": 32,
            "ffn_dim": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "max_position_embeddings": CONTEXT,
            "word_embed_proj_dim": 16,  # as opt-350m: the embedding is narrower than the hidden state
            "do_layer_norm_before": False,
        },
    ),
    "qwen2": ("qwen2", _LLAMA_LIKE),
    "gemma": ("gemma", _GEMMA_LIKE),
    "gemma2": ("gemma2", _SLIDING),
    "gemma3": ("gemma3_text", _SLIDING),
    "bert": ("bert", _BERT_LIKE),
    "distilbert": (
        "distilbert",
        {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 4, "max_position_embeddings": CONTEXT},
    ),
    "roberta": ("roberta", {**_BERT_LIKE, "max_position_embeddings": CONTEXT + 1}),  # positions begin behind padding
}


def tiny_tokenizer(chat_template: bool = True) -> PreTrainedTokenizerFast:
    """Byte-level BPE of 300 tokens, with `<s>`, `</s>`, `<pad>` and the chat marks `<|start|>`, `<|end|>`.

    It adds no special token by itself.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<pad>", "<s>", "</s>", "<|start|>", "<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_TEXT, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", model_max_length=CONTEXT
    )
    fast.chat_template = CHAT_TEMPLATE if chat_template else None
    return fast


def tiny_metaspace_tokenizer() -> PreTrainedTokenizerFast:
    """As Llama 2's: words begin with `▁`, a text begins with one that is not written, `<s>` stands before it, and what
    is no token of its own is bytes. The template, too, is like Llama 2's: no special token stands before an answer.
    """
    tokenizer = Tokenizer(models.BPE(byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    trainer = trainers.BpeTrainer(vocab_size=44, special_tokens=["<pad>", "<s>", "</s>"], show_progress=False)
    tokenizer.train_from_iterator(_TEXT, trainer)
    state = json.loads(tokenizer.to_str())
    state["model"]["vocab"] |= {f"<0x{byte:02X}>": 44 + byte for byte in range(256)}
    tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        model_max_length=CONTEXT,
        chat_template="{% for message in messages %}{{ message['content'] }} ###{% endfor %}",
    )


def tiny_encoder_tokenizer() -> PreTrainedTokenizerFast:
    """The same vocabulary, but every text stands between `<s>` and `</s>`, as encoders want it."""
    tokenizer = tiny_tokenizer(chat_template=False)._tokenizer
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", cls_token="<s>", sep_token="</s>", model_max_length=CONTEXT
    )


def tiny_model(architecture: str, dtype: torch.dtype = torch.float64, seed: int = 0) -> PreTrainedModel:
    """A two-layer random model, the same for the same seed.

    Every parameter is moved away from 0 and 1, so that a forgotten bias or norm shows.
    """
    model_type, sizes = _SHAPES[architecture]
    config = AutoConfig.for_model(
        model_type, vocab_size=VOCABULARY, pad_token_id=0, bos_token_id=1, eos_token_id=2, **sizes
    )
    generator = torch.Generator().manual_seed(seed)
    if architecture == "distilbert":
        model = AutoModel.from_config(config, dtype=torch.float32)
    elif architecture in ENCODERS:
        model = AutoModel.from_config(config, dtype=torch.float32, add_pooling_layer=False)
    else:
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            start = 1.0 if parameter.ndim == 1 and bool((parameter == 1).all()) else 0.0
            parameter.copy_(start + 0.2 * torch.randn(parameter.shape, generator=generator))
    return model.to(dtype).eval()


def tiny_base(
    architecture: str = "llama", dtype: torch.dtype = torch.float64, chat_template: bool = True, seed: int = 0
) -> FrozenBase:
    """A frozen tiny model with its tokenizer."""
    return FrozenBase.from_parts(tiny_model(architecture, dtype, seed), _tokenizer(architecture, chat_template))


def save_base(folder: Path, architecture: str = "llama", dtype: torch.dtype = torch.float32, seed: int = 0) -> Path:
    """The same as a folder that `load_base` reads; returns it."""
    tiny_model(architecture, dtype, seed).save_pretrained(folder)
    _tokenizer(architecture).save_pretrained(folder)
    return folder


def _tokenizer(architecture: str, chat_template: bool = True) -> PreTrainedTokenizerFast:
    return tiny_encoder_tokenizer() if architecture in ENCODERS else tiny_tokenizer(chat_template)
