"""What a soft prompt starts from. The choice is worth a factor of six in steps (docs/science.md)."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError, SettingError, nearest

COMMON = 5000  # vocabulary sampled from the most common tokens, as in https://arxiv.org/abs/2104.08691 section 3.2


def initial(
    base: FrozenBase, init: str, tokens: int, labels: Sequence[str], seed: int, ids: Sequence[int] = ()
) -> tuple[Tensor, dict[str, Any]]:
    """Start vectors [P, E] in fp32 or wider, and a record of where they come from.

    init: `text:WORDS`, `labels`, `vocab`, `examples:K`, `random`, `peft-random` or `from:DIR`
    ids:  the rendered examples that `examples:K` means, cut by whoever has the data
    Errors: an unknown init, `labels` without labels, a text without tokens, a folder without a soft prompt.
    """
    kind, _, detail = init.partition(":")
    if kind == "zero":
        raise SettingError(
            "init 'zero': zeros take attention from the text; use --method gated, which starts as the base does"
        )
    if kind not in INITS:
        raise SettingError(f"unknown init {init!r}; {nearest(kind, INITS)}; write text:YOUR WORDS or from:FOLDER")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        vectors = _rows(base, ids) if ids else INITS[kind](base, detail, tokens, list(labels), generator)
    return vectors.to(torch.promote_types(vectors.dtype, torch.float32)).cpu(), {"kind": kind, "detail": detail}


def embedding_rms(base: FrozenBase) -> float:
    """Root mean square of one number of the base's input embedding, as it enters the model."""
    return float(_rows(base, _common_ids(base)).float().square().mean().sqrt())


def usual_length(base: FrozenBase) -> float:
    """Median length of the vocabulary's vectors, as they enter the model."""
    return float(_rows(base, _common_ids(base)).float().norm(dim=1).median())


def _rows(base: FrozenBase, ids: Sequence[int] | Tensor) -> Tensor:
    """[T] ids → [T, E] embeddings as they enter the model (some architectures scale them in the module)."""
    with torch.no_grad():
        return base.embedding(torch.as_tensor(ids, device=base.device))


def _common_ids(base: FrozenBase) -> list[int]:
    """The first ids of a vocabulary are its most common tokens (merges are learned in that order)."""
    special = set(base.tokenizer.all_special_ids)
    count = min(COMMON, base.vocabulary_size)
    return [i for i in range(count) if i not in special]


def _text(base: FrozenBase, detail: str, tokens: int, labels: list[str], generator: torch.Generator) -> Tensor:
    """The embeddings of a text, tiled or cut to the number of virtual tokens."""
    ids = base.tokenizer(detail, add_special_tokens=False)["input_ids"]
    if not ids:
        raise SettingError('the text of --init is empty; write --init text:"what the task is"')
    return _rows(base, (ids * (tokens // len(ids) + 1))[:tokens])


def _labels(base: FrozenBase, detail: str, tokens: int, labels: list[str], generator: torch.Generator) -> Tensor:
    """The embeddings of the label words, tiled or cut."""
    if not labels:
        raise SettingError("--init labels needs data with labels; use --init text:… or leave --init out")
    return _text(base, ", ".join(labels), tokens, labels, generator)


def _vocab(base: FrozenBase, detail: str, tokens: int, labels: list[str], generator: torch.Generator) -> Tensor:
    """Embeddings of common tokens drawn at random."""
    ids = _common_ids(base)
    return _rows(base, [ids[int(i)] for i in torch.randint(len(ids), (tokens,), generator=generator)])


def _examples(base: FrozenBase, detail: str, tokens: int, labels: list[str], generator: torch.Generator) -> Tensor:
    """The embeddings of K training examples as they are rendered; a shorter text gives fewer virtual tokens."""
    raise SettingError(f"--init examples:{detail} needs training rows; use it with capo tune, or write text:YOUR WORDS")


def _random(base: FrozenBase, detail: str, tokens: int, labels: list[str], generator: torch.Generator) -> Tensor:
    """Normal noise of the length that the vocabulary's own vectors have."""
    return _peft_random(base, detail, tokens, labels, generator) * embedding_rms(base)


def _peft_random(base: FrozenBase, detail: str, tokens: int, labels: list[str], generator: torch.Generator) -> Tensor:
    """N(0, 1) whatever the base: PEFT's default, for reproduction only (often many times too long)."""
    return torch.randn(tokens, base.embedding_size, generator=generator)


def _from(base: FrozenBase, detail: str, tokens: int, labels: list[str], generator: torch.Generator) -> Tensor:
    """Another adapter's vectors, tiled or cut (prompt transfer, SPoT: https://arxiv.org/abs/2110.07904)."""
    path = Path(detail) / "adapter_model.safetensors"
    try:
        vectors = load_file(path).get("prompt_embeddings")
    except (OSError, SafetensorError) as error:
        raise AdapterError(
            f"--init from:{detail}: cannot read {path} ({error}); name a folder with an adapter"
        ) from None
    if vectors is None or vectors.ndim != 2 or vectors.shape[1] != base.embedding_size or not len(vectors):
        raise AdapterError(
            f"--init from:{detail}: {path} holds no soft prompt for a base {base.embedding_size} wide;"
            " name an adapter of a base like this one"
        )
    if not bool(torch.isfinite(vectors).all()):
        raise AdapterError(f"--init from:{detail}: {path} holds numbers that are not finite; name another adapter")
    return vectors.repeat(tokens // len(vectors) + 1, 1)[:tokens]


INITS: dict[str, Callable[[FrozenBase, str, int, list[str], torch.Generator], Tensor]] = {
    "text": _text,
    "labels": _labels,
    "vocab": _vocab,
    "examples": _examples,
    "random": _random,
    "peft-random": _peft_random,
    "from": _from,
}
