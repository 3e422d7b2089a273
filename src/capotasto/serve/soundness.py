"""Is an adapter from elsewhere fit to be served beside others? Asked before anybody can call it."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from capotasto import forward
from capotasto.artifact import CONFIG, MANIFEST, load_adapter, method_of
from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError, UserError
from capotasto.methods.adapter import Adapter
from capotasto.serve.own_tensors import own_tensors
from capotasto.serve.vllm.thin_base import ThinBase
from capotasto.types import Encoded

_PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"}
# Trained adapters stay far below these (docs/serving.md has the measurements); poisoned and broken ones do not.
_LARGEST = 1e4  # of any number
_IN_UNITS = ("mean", "std")  # of what a head tells: in the data's own unit, which may be large
_LOUDEST = 1000.0  # what is added to a linear layer's output, in lengths of that output


def size(folder: Path) -> int:
    """Bytes of an adapter's files. Errors: a link, anything that is no plain file, or a pickle among them."""
    total = 0
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise AdapterError(f"{path} is a link or no plain file; put the file itself there")
        if path.suffix in _PICKLES:
            raise AdapterError(f"{path} is a pickle, which can run code when it is read; keep .safetensors files only")
        total += path.lstat().st_size
    return total


def state(folder: Path) -> object:
    """The same as long as nothing in the folder changes: each path with its size and time of change."""
    found = ((path, path.lstat()) for path in sorted(folder.rglob("*")))
    return [(str(path), about.st_size, about.st_mtime_ns) for path, about in found]


def copies_base(folder: Path) -> bool:
    """True where reading it, or a part of it, copies modules of the base, as PEFT needs. Errors: no adapter there."""
    with _one_line(folder):
        parts = {path.parent for name in (MANIFEST, CONFIG) for path in folder.rglob(name)}
        return any("peft" in method_of(part) for part in (folder, *sorted(parts)))


def read(folder: Path, base: FrozenBase, name: str) -> Adapter:
    """An adapter whose files are sound; nothing runs on the base. Errors: one line, whatever is wrong with it."""
    with _one_line(folder):
        adapter = load_adapter(folder, base, name)
        _check_numbers(adapter, base, folder)
        return adapter


def needs_attempt(adapter: Adapter) -> bool:
    """False for virtual tokens alone: a base scales them as it scales its own, and their numbers are checked."""
    return adapter.embeds() is None or bool(adapter.deltas() or adapter.gated()) or adapter.kv() is not None


def attempt(adapter: Adapter, base: FrozenBase, folder: Path) -> None:
    """Let it act on the base, where a base computes here at all. Errors: as of `read`."""
    if not isinstance(base, ThinBase):  # whose weights would come from the disk for it, and need not be here at all
        with _one_line(folder):
            _check_changes(adapter, base, folder)
            _try(adapter, base, folder)


@contextmanager
def _one_line(folder: Path) -> Iterator[None]:
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:
        why = " ".join(str(error).split())
        raise AdapterError(f"{folder} cannot be run ({type(error).__name__}: {why}); train it again") from error


@torch.no_grad()
def _check_numbers(adapter: Adapter, base: FrozenBase, folder: Path) -> None:
    for name, tensor in own_tensors(adapter, base):
        if name.rpartition(".")[2] in _IN_UNITS:
            continue
        largest = float(tensor.abs().max()) if tensor.numel() else 0.0
        if not largest <= _LARGEST:
            raise AdapterError(
                f"{folder} has a number of size {largest:.3g} in {name}, and none may be beyond {_LARGEST:.0e};"
                " train it again with a lower learning rate"
            )


@torch.no_grad()
def _check_changes(adapter: Adapter, base: FrozenBase, folder: Path) -> None:
    """What is added to each linear layer, against what the layer itself gives for the same random input."""
    generator = torch.Generator().manual_seed(0)
    for name, delta in adapter.deltas().items():
        layer = base.model.get_submodule(name)
        weight = layer.weight
        assert isinstance(weight, torch.Tensor)
        width = weight.shape[0] if type(layer).__name__ == "Conv1D" else weight.shape[1]
        given = torch.randn(4, width, generator=generator).to(weight)
        own = layer(given)
        share = float(delta(given, own).norm() / own.norm().clamp_min(1e-6))
        if not share <= _LOUDEST:
            raise AdapterError(
                f"{folder} adds {share:.3g} times of its own output to layer {name}; train it again with a lower"
                " learning rate"
            )


@torch.no_grad()
def _try(adapter: Adapter, base: FrozenBase, folder: Path) -> None:
    """A few tokens through the base, with the adapter."""
    row = Encoded((1, 2, 3), (False,) * 3, min(3, int(adapter.placement != "front")))
    hidden = forward.run(base, [row], [adapter])
    if not bool(torch.isfinite(hidden.states).all()):
        raise AdapterError(f"{folder} makes the base's states not finite; train it again")
