"""An adapter on disk: PEFT's two files, and a manifest with what PEFT does not keep."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError
from capotasto.methods.initial import usual_length
from capotasto.methods.prompt import PromptAdapter
from capotasto.records import read_json, write_bytes, write_json

CONFIG, WEIGHTS, MANIFEST, INITIAL = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "manifest.json",
    "initial.safetensors",
)
LONGEST = 1e4  # a virtual token longer than so many times the vocabulary's median is no honest adapter


def save_adapter(adapter: PromptAdapter, folder: Path, base: FrozenBase, facts: dict[str, Any]) -> None:
    """Write an adapter; the manifest is written last, so that its presence means the rest is whole.

    facts: what else belongs into the manifest (data hash, settings)
    A prompt that does not stand at the front gets no PEFT config: PEFT would put it there and give other answers.
    """
    vectors = adapter.prompt_embeddings.detach().cpu().contiguous()
    write_bytes(folder / WEIGHTS, save({"prompt_embeddings": vectors}))
    write_bytes(folder / INITIAL, save({"prompt_embeddings": adapter.initial.cpu().contiguous()}))
    if adapter.placement == "front":
        write_json(folder / CONFIG, _peft_config(adapter, base))
    manifest = {
        "name": adapter.name,
        "method": adapter.method,
        "placement": adapter.placement,
        "dialogue": adapter.dialogue,
        "init": adapter.start,
        "base": {"name": base.name, "fingerprint": adapter.fingerprint, "source": base.source},
        **facts,
    }
    write_json(folder / MANIFEST, manifest)


def _peft_config(adapter: PromptAdapter, base: FrozenBase) -> dict[str, Any]:
    """The keys PEFT 0.18 to 0.21 reads (https://huggingface.co/docs/peft/package_reference/prompt_tuning)."""
    return {
        "peft_type": "PROMPT_TUNING",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": str(base.folder or base.name),
        "revision": None,
        "inference_mode": True,
        "num_virtual_tokens": len(adapter.prompt_embeddings),
        "token_dim": adapter.prompt_embeddings.shape[1],
        "num_transformer_submodules": 1,
        "num_attention_heads": base.config.num_attention_heads,
        "num_layers": base.layers,
        "prompt_tuning_init": "RANDOM",
        "prompt_tuning_init_text": None,
        "tokenizer_name_or_path": None,
    }


def load_adapter(folder: Path, base: FrozenBase, name: str | None = None) -> PromptAdapter:
    """Read an adapter of ours, or a prompt that PEFT trained, and check it in full before it is used.

    Errors: no adapter there, a pickle, a damaged file, another base, wrong width, numbers that are not finite.
    """
    vectors = _vectors(folder)
    manifest = _manifest(folder) if (folder / MANIFEST).exists() else _foreign(folder)
    made_for = manifest["base"]["fingerprint"]
    if made_for and made_for != base.fingerprint:
        raise AdapterError(
            f"{folder} was made for base {manifest['base']['name']} ({made_for[:12]}), this is {base.name}"
            f" ({base.fingerprint[:12]}); load it with --base {manifest['base']['name']}"
        )
    _check(vectors, folder, base)
    adapter = PromptAdapter(
        vectors,
        name=name or manifest["name"],
        fingerprint=base.fingerprint,
        placement=manifest["placement"],
        start=manifest["init"],
        dialogue=manifest["dialogue"],
    )
    if (folder / INITIAL).exists():
        adapter.initial = _prompt(folder / INITIAL)
    return adapter.to(base.device)


def _manifest(folder: Path) -> dict[str, Any]:
    manifest = read_json(folder / MANIFEST)
    keys = {"name", "placement", "dialogue", "init", "base"}
    if not _has(manifest, keys) or not _has(manifest["base"], {"name", "fingerprint"}):
        raise AdapterError(f"{folder / MANIFEST} lacks what `capo tune` writes; take the adapter from its source again")
    return manifest


def _has(part: object, keys: set[str]) -> bool:
    return isinstance(part, dict) and keys <= part.keys()


def _foreign(folder: Path) -> dict[str, Any]:
    """What is known of an adapter that PEFT saved: it was made for a base of its width, no more."""
    config = read_json(folder / CONFIG)
    if config.get("peft_type") != "PROMPT_TUNING":
        raise AdapterError(
            f"{folder} holds a PEFT adapter of type {config.get('peft_type')!r}; only PROMPT_TUNING is supported"
        )
    return {
        "name": folder.resolve().name,
        "placement": "front",
        "dialogue": None,
        "init": {"kind": "peft", "detail": str(folder)},
        "base": {"name": config.get("base_model_name_or_path"), "fingerprint": None},
    }


def _vectors(folder: Path) -> Tensor:
    path = folder / WEIGHTS
    if not path.exists():
        pickles = [file.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for file in folder.glob(pattern)]
        if pickles:
            raise AdapterError(
                f"{folder} holds {pickles[0]}, a pickle, which can run code when it is read; it is refused:"
                " save it as adapter_model.safetensors with a PEFT you trust"
            )
        raise AdapterError(f"no adapter at {folder}: {WEIGHTS} is missing; name the folder that `capo tune` wrote")
    return _prompt(path)


def _prompt(path: Path) -> Tensor:
    tensors = _read(path)
    if "prompt_embeddings" not in tensors:
        found = ", ".join(tensors) or "nothing"
        raise AdapterError(f"{path} holds {found}, which is no soft prompt; name the folder that `capo tune` wrote")
    return tensors["prompt_embeddings"]


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise AdapterError(f"cannot read {path}: {error}; the file is damaged, take it from its source again") from None


def _check(vectors: Tensor, folder: Path, base: FrozenBase) -> None:
    if vectors.ndim != 2 or vectors.shape[1] != base.embedding_size or not len(vectors):
        shape = "×".join(str(size) for size in vectors.shape)
        raise AdapterError(
            f"{folder} holds vectors of shape {shape}, and {base.name} takes vectors {base.embedding_size} wide;"
            " choose the base it was made for"
        )
    if base.context is not None and len(vectors) >= base.context:
        raise AdapterError(
            f"{folder} has {len(vectors)} virtual tokens, which fill the context of {base.name} ({base.context});"
            " use fewer tokens or a base with a longer context"
        )
    if not bool(torch.isfinite(vectors).all()):
        raise AdapterError(f"{folder} holds numbers that are not finite; train it again, or take it from its source")
    usual = usual_length(base)
    longest = float(vectors.float().norm(dim=1).max())
    if longest > LONGEST * usual:
        raise AdapterError(
            f"{folder} holds a virtual token {longest / usual:.0f} times as long as the vocabulary's: it is refused;"
            " train it again with a lower learning rate"
        )
