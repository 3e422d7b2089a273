"""Writing an adapter for another program."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError
from capotasto.exporting import TARGETS
from capotasto.methods.adapter import Adapter
from capotasto.records import new_folder

Writer = Callable[[FrozenBase, Adapter, Path], None]


def export(base: FrozenBase, adapter: Adapter, target: str, folder: str | Path) -> Path:
    """Write `adapter` for another program into a new folder, which appears when it is whole.

    target: vllm-embeds, peft, merged or gguf-lora
    Errors: an unknown target, an adapter that the target cannot hold, a folder that is not empty.
    """
    folder, writer = Path(folder), cast(Writer, TARGETS[target])
    if tasks := list(adapter.specialists()):
        raise AdapterError(
            f"{adapter.name!r} has a prompt for each of its tasks; export one of them, which lies in a folder of its"
            f" own inside the adapter's: {', '.join(tasks)}"
        )
    with new_folder(folder) as unfinished:
        writer(base, adapter, unfinished)
    return folder
