"""The floor: the seconds that the base's matrix products alone take, in a process of its own.

A frozen base needs each linear layer twice, forward and for the gradient of its input, over every real token, and its
head over the supervised ones. Nothing else is done here: no attention, no normalisation, no loss, no optimiser.

Axes: T tokens, H hidden, V vocabulary.
"""

import json
from pathlib import Path

import torch

from benchmarks.common import arguments, device_of, dtype_of, peaks, report, timed


def layer_shapes(base: Path) -> list[tuple[int, int]]:
    """(out, in) of every linear layer of a Llama-like base, in the order of the layers."""
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    hidden, inner, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    size = config.get("head_dim") or hidden // heads
    queries, keys = heads * size, config["num_key_value_heads"] * size
    attention = [(queries, hidden), (keys, hidden), (keys, hidden), (hidden, queries)]
    feed_forward = [(inner, hidden), (inner, hidden), (hidden, inner)]
    return [*attention, *feed_forward] * config["num_hidden_layers"]


def head_shape(base: Path) -> tuple[int, int]:
    """(V, H) of the head."""
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    return config["vocab_size"], config["hidden_size"]


def there_and_back(weights: list[torch.Tensor], tokens: int) -> None:
    """Multiply `tokens` rows by each weight [out, in], and the result by the weight again, as the gradient does.

    The results go into memory that is there already, as an ideal program would have it.
    """
    for weight in weights:
        there, back = space(weight, tokens)
        torch.mm(back, weight.T, out=there)
        torch.mm(there, weight, out=back)


SPACE: dict[tuple[int, ...], tuple[torch.Tensor, torch.Tensor]] = {}


def space(weight: torch.Tensor, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two tensors, [tokens, out] and [tokens, in], the same for every layer of one shape."""
    shape = (tokens, *weight.shape)
    if shape not in SPACE:
        SPACE[shape] = weight.new_zeros(tokens, weight.shape[0]), weight.new_zeros(tokens, weight.shape[1])
    return SPACE[shape]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--tokens", type=int, required=True, help="real tokens in a step")
    parser.add_argument("--supervised", type=int, required=True, help="supervised tokens in a step")
    parser.add_argument("--steps", type=int, default=3, help="how many steps to take")
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    device = device_of(options.device)
    dtype = dtype_of(options.dtype, device)
    layers = [torch.randn(shape, dtype=dtype, device=device) for shape in layer_shapes(options.base)]
    head = [torch.randn(head_shape(options.base), dtype=dtype, device=device)]

    def take(steps: int) -> None:
        for _ in range(steps):
            there_and_back(layers, options.tokens)
            there_and_back(head, options.supervised)

    take(1)  # the libraries choose their kernels in the first one
    _, seconds = timed(lambda: take(options.steps), device)
    products = options.tokens * sum(w.numel() for w in layers) + options.supervised * head[0].numel()
    flops = 4 * products * options.steps  # a multiplication and an addition, forward and back
    report(
        device,
        dtype,
        seconds=seconds,
        steps=options.steps,
        tokens=options.tokens * options.steps,
        tokens_per_second=options.tokens * options.steps / seconds,
        gflops_per_second=flops / seconds / 1e9,
        **peaks(device),
    )


if __name__ == "__main__":
    main()
