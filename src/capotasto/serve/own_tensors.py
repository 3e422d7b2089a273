"""What an adapter brings into memory, beside the tensors that it shares with the base."""

from collections.abc import Iterator

from torch import Tensor

from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter


def own_tensors(adapter: Adapter, base: FrozenBase) -> Iterator[tuple[str, Tensor]]:
    """Its tensors by name; those of a model of its own too, as far as they are not the base's."""
    shared = {_place(tensor) for tensor in base.model.parameters()}
    body = adapter.body()
    yield from adapter.named_parameters()
    yield from adapter.named_buffers()
    if body is not None:
        yield from ((name, tensor) for name, tensor in body.named_parameters() if _place(tensor) not in shared)


def own_bytes(adapter: Adapter, base: FrozenBase) -> int:
    """Bytes of these; a storage that several share counts once."""
    storages = [tensor.untyped_storage() for _, tensor in own_tensors(adapter, base)]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
