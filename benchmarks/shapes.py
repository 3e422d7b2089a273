"""`python -m benchmarks.shapes SIZE DIR --base FOLDER`: a model of random weights in a real shape, to measure speed on.

What it writes is nonsense and its losses mean nothing; its matrix products cost what those of the real model cost.
The tokenizer is that of FOLDER.
"""

import argparse
from pathlib import Path

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

# Name → hidden, inner, layers, heads, key/value heads (the published configurations of models of that size).
SHAPES = {
    "135m": (576, 1536, 30, 9, 3),
    "360m": (960, 2560, 32, 15, 5),
    "1b": (2048, 8192, 16, 32, 8),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shapes", description=__doc__)
    parser.add_argument("size", choices=SHAPES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--base", type=Path, required=True, help="folder whose tokenizer is taken")
    options = parser.parse_args()

    tokenizer = AutoTokenizer.from_pretrained(options.base)
    hidden, inner, layers, heads, shared = SHAPES[options.size]
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=shared,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(options.folder)
    tokenizer.save_pretrained(options.folder)


if __name__ == "__main__":
    main()
