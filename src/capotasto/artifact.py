"""An adapter on disk: PEFT's two files, and a manifest with what PEFT does not keep."""

from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from capotasto.architectures import prepare
from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError
from capotasto.methods import METHODS, classifier
from capotasto.methods.adapter import Adapter
from capotasto.methods.combined import CombinedAdapter
from capotasto.methods.own_model import OwnModel
from capotasto.methods.stacked import StackedAdapter
from capotasto.records import read_json, write_bytes, write_json

CONFIG, WEIGHTS, MANIFEST, INITIAL, BESIDE = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "manifest.json",
    "initial.safetensors",
    "training.safetensors",
)
# PEFT's types that are read as methods of ours; any other goes through PEFT itself.
_OF_PEFT = {
    "PROMPT_TUNING": "prompt",
    "P_TUNING": "prompt",
    "PREFIX_TUNING": "prefix",
    "CARTRIDGE": "prefix",
    "LORA": "lora",
}


def save_adapter(adapter: Adapter, folder: Path, base: FrozenBase, facts: dict[str, Any]) -> None:
    """Write an adapter; the manifest is written last, so that its presence means the rest is whole.

    facts: what else belongs into the manifest (data hash, settings)
    """
    if isinstance(adapter, OwnModel):
        folder.mkdir(parents=True, exist_ok=True)
        adapter.write(folder, base)
    elif isinstance(adapter, CombinedAdapter):
        if not write_peft(adapter, folder, base):
            for name, part in adapter.folders().items():
                save_adapter(part, folder / name, base, {})
    else:
        _write(adapter, folder, base)
    for task, specialist in adapter.specialists().items():
        save_adapter(specialist, folder / task, base, {})
    manifest = {
        "name": adapter.name,
        "method": adapter.method,
        "placement": adapter.placement,
        "dialogue": adapter.dialogue,
        "init": adapter.start,
        "shape": adapter.shape(),
        "base": {"name": base.name, "fingerprint": adapter.fingerprint, "source": base.source},
        **facts,
    }
    write_json(folder / MANIFEST, manifest)


def write_peft(adapter: Adapter, folder: Path, base: FrozenBase) -> bool:
    """PEFT's two files; False, and nothing is written, where PEFT has no such adapter."""
    if isinstance(adapter, CombinedAdapter):
        whole = classifier.joined(adapter, base)
    else:
        config = adapter.config(base)
        whole = None if config is None else (adapter.tensors(), config)
    if whole is None:
        return False
    write_tensors(folder / WEIGHTS, whole[0])
    write_json(folder / CONFIG, whole[1])
    return True


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """A safetensors file, written atomically."""
    write_bytes(path, save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}))


def _write(adapter: Adapter, folder: Path, base: FrozenBase) -> None:
    write_tensors(folder / WEIGHTS, adapter.tensors())
    if beside := adapter.beside():
        write_tensors(folder / BESIDE, beside)
    initial = dict(adapter.named_buffers()).get("initial")
    if initial is not None:
        write_tensors(folder / INITIAL, {"prompt_embeddings": initial})
    if config := adapter.config(base):
        write_json(folder / CONFIG, config)


def load_adapter(folder: Path, base: FrozenBase, name: str | None = None) -> Adapter:
    """Read an adapter of ours, or one that PEFT trained, and check it in full before it is used.

    Errors: no adapter there, a pickle, a damaged file, another base, wrong sizes, numbers that are not finite.
    """
    manifest = _papers(folder)
    made_for = manifest["base"]["fingerprint"]
    if made_for and made_for != base.fingerprint:
        raise AdapterError(
            f"{folder} was made for base {manifest['base']['name']} ({made_for[:12]}), this is {base.name}"
            f" ({base.fingerprint[:12]}); load it with --base {manifest['base']['name']}"
        )
    facts = {
        "name": name or manifest["name"],
        "fingerprint": base.fingerprint,
        "placement": manifest["placement"],
        "start": manifest["init"],
        "dialogue": manifest["dialogue"],
    }
    try:
        adapter = _read_adapter(folder, manifest, base, facts)
    except (LookupError, TypeError, ValueError, RuntimeError, StopIteration, ArithmeticError, SafetensorError) as error:
        why = " ".join(str(error).split())
        raise AdapterError(
            f"{folder} does not fit together ({type(error).__name__}: {why}); take it from its source again"
        ) from error
    _check(adapter, folder, base)
    return adapter.to(base.device)


def method_of(folder: Path) -> str:
    """The method of the adapter there, by its papers alone. Errors: no adapter there."""
    return str(_papers(folder)["method"])


def _read_adapter(folder: Path, manifest: dict[str, Any], base: FrozenBase, facts: dict[str, Any]) -> Adapter:
    method = str(manifest["method"])
    if " on " in method:
        under, over = (load_adapter(folder / name, base) for name in ("under", "over"))
        return StackedAdapter(under, over, base, **facts)
    if "+" in method:
        names = method.split("+")
        if not all(name in METHODS for name in names):
            raise AdapterError(f"{folder / MANIFEST} names unknown methods ({method}); take it from its source again")
        if (folder / CONFIG).exists():
            return CombinedAdapter(_read_classifier(folder, manifest, base, facts), base, **facts)
        return CombinedAdapter([load_adapter(folder / name, base) for name in names], base, **facts)
    kind = cast(type[Adapter], METHODS[method.partition(":")[0]])
    if issubclass(kind, OwnModel):
        own = kind.load(folder, base, **facts)
        if method == "full":
            prepare(own.body())
        return own
    tensors = _tensors(folder)
    config = read_json(folder / CONFIG) if (folder / CONFIG).exists() else {}
    adapter = kind.read(tensors, {**config, **manifest.get("shape", {})}, base, str(folder), **facts)
    if (folder / BESIDE).exists():
        adapter.go_on(_read(folder / BESIDE))
        if not all(
            torch.allclose(value, tensors[key].to(value), 1e-3, 1e-3) for key, value in adapter.tensors().items()
        ):
            raise AdapterError(
                f"{folder / BESIDE} belongs to another adapter; remove it, or take both from their source"
            )
    if (folder / INITIAL).exists() and hasattr(adapter, "initial"):
        adapter.initial = _read(folder / INITIAL)["prompt_embeddings"]
    return adapter


def _read_classifier(folder: Path, manifest: dict[str, Any], base: FrozenBase, facts: dict[str, Any]) -> list[Adapter]:
    """The parts of a sequence classifier that lie in one file."""
    parts = classifier.parted(_tensors(folder), {**read_json(folder / CONFIG), **manifest["shape"]})
    kinds = {name: cast(type[Adapter], METHODS[name]) for name in manifest["method"].split("+")}
    return [kind.read(*parts[name], base, str(folder), **facts) for name, kind in kinds.items()]


def _papers(folder: Path) -> dict[str, Any]:
    return _manifest(folder) if (folder / MANIFEST).exists() else _foreign(folder)


def _manifest(folder: Path) -> dict[str, Any]:
    manifest = read_json(folder / MANIFEST)
    keys = {"name", "method", "placement", "dialogue", "init", "base"}
    if not _has(manifest, keys) or not _has(manifest["base"], {"name", "fingerprint"}):
        raise AdapterError(f"{folder / MANIFEST} lacks what `capo tune` writes; take the adapter from its source again")
    return manifest


def _has(part: object, keys: set[str]) -> bool:
    return isinstance(part, dict) and keys <= part.keys()


def _foreign(folder: Path) -> dict[str, Any]:
    """What is known of an adapter that PEFT saved: it was made for a base of its width, no more."""
    if not (folder / CONFIG).exists():
        _tensors(folder)  # says so if there is no adapter at all
    config = read_json(folder / CONFIG)
    method, dialogue = _OF_PEFT.get(str(config.get("peft_type")), "peft"), None
    shape: dict[str, Any] = {}
    if method == "lora" and classifier.is_classifier(config):
        method, shape = classifier.foreign(_tensors(folder))
        dialogue = False  # such classifiers are given plain text
    return {
        "name": folder.resolve().name,
        "method": method,
        "shape": shape,
        "placement": "front",
        "dialogue": dialogue,
        "init": {"kind": "peft", "detail": str(folder)},
        "base": {"name": config.get("base_model_name_or_path"), "fingerprint": None},
    }


def _tensors(folder: Path) -> dict[str, Tensor]:
    path = folder / WEIGHTS
    if not path.exists():
        pickles = [file.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for file in folder.glob(pattern)]
        if pickles:
            raise AdapterError(
                f"{folder} holds {pickles[0]}, a pickle, which can run code when it is read; it is refused:"
                " save it as adapter_model.safetensors with a PEFT you trust"
            )
        raise AdapterError(f"no adapter at {folder}: {WEIGHTS} is missing; name the folder that `capo tune` wrote")
    return _read(path)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise AdapterError(f"cannot read {path}: {error}; the file is damaged, take it from its source again") from None


def _check(adapter: Adapter, folder: Path, base: FrozenBase) -> None:
    if base.context is not None and adapter.tokens >= base.context:
        raise AdapterError(
            f"{folder} has {adapter.tokens} virtual tokens, which fill the context of {base.name} ({base.context});"
            " use fewer tokens or a base with a longer context"
        )
    tensors = [*adapter.parameters(), *adapter.buffers()]
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors):
        raise AdapterError(f"{folder} holds numbers that are not finite; train it again, or take it from its source")
