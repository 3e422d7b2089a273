"""The identity of a base model: an adapter fits the base it was trained on and no other."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from capotasto.base.hashes import remembered_hash
from capotasto.base.sources.folder import weights
from capotasto.records import content_hash, read_json

# Keys of config.json that say how a model was saved or is to be run, not which function it computes.
_INCIDENTAL = frozenset({"transformers_version", "_name_or_path", "dtype", "torch_dtype", "use_cache"})

# Where tokenizer.json is missing, these hold the vocabulary.
_VOCABULARY_FILES = ("vocab.json", "merges.txt", "tokenizer.model", "spiece.model", "vocab.txt")


def short(fingerprint: str) -> str:
    """The first twelve hexadecimal digits, for people."""
    return fingerprint[:12]


def fingerprint(folder: Path) -> str:
    """sha256 (64 hexadecimal digits) over the configuration, the weights and the vocabulary of a model folder."""
    config = _normalised(read_json(folder / "config.json"))
    return content_hash([config, *(remembered_hash(path) for path in [*weights(folder), *_vocabulary(folder)])])


def fingerprint_of_parts(model: Any, tokenizer: Any) -> str:
    """The same for a model in memory. It differs from the fingerprint of the same model on disk."""
    vocabulary = json.dumps(tokenizer.get_vocab(), sort_keys=True)
    return content_hash([_normalised(model.config.to_dict()), vocabulary, *_tensor_hashes(model.state_dict())])


def _normalised(config: dict[str, Any]) -> str:
    kept = {key: value for key, value in config.items() if key not in _INCIDENTAL}
    return json.dumps(kept, sort_keys=True, default=str)


def _vocabulary(folder: Path) -> list[Path]:
    whole = folder / "tokenizer.json"
    return [whole] if whole.exists() else [path for name in _VOCABULARY_FILES if (path := folder / name).exists()]


def _tensor_hashes(state: dict[str, torch.Tensor]) -> Iterator[str]:
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest = sha256(tensor.flatten().view(torch.uint8).numpy().data).hexdigest()
        yield f"{name} {tensor.dtype} {tuple(tensor.shape)} {digest}"
