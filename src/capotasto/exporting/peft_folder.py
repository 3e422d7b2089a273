"""What PEFT reads: `adapter_config.json` and `adapter_model.safetensors`, nothing else."""

from pathlib import Path

from capotasto.artifact import write_peft
from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError
from capotasto.exporting.contents import CHANGES, GATES, HEAD, OWN_MODEL, PREFIX, VIRTUAL_TOKENS, contents, described
from capotasto.methods.adapter import Adapter
from capotasto.methods.combined import CombinedAdapter
from capotasto.methods.from_peft import PeftAdapter

_REASONS = {
    OWN_MODEL: "its folder is an ordinary model folder already, and no adapter",
    HEAD: "PEFT's classifiers have no norm before their one linear layer; train with --no-head-norm and --pooling last",
    GATES: "PEFT has nothing that lets keys and values in through gates",
    PREFIX: "PEFT would leave the prefix out without a word, because this model takes no keys and values",
    CHANGES: "PEFT has no such layers",
    VIRTUAL_TOKENS: "PEFT would put the virtual tokens at the front, and these stand elsewhere (--placement front)",
}


def write(base: FrozenBase, adapter: Adapter, folder: Path) -> None:
    """PEFT's files. Errors: PEFT has no such adapter, with the reason."""
    if isinstance(adapter, PeftAdapter):
        adapter.write(folder, base)
    elif not write_peft(adapter, folder, base):
        raise AdapterError(f"{described(adapter)}, which PEFT cannot take: {_reason(adapter)}")


def _reason(adapter: Adapter) -> str:
    if isinstance(adapter, CombinedAdapter):
        parts = ", ".join(adapter.folders())
        return f"it has no sum of methods; export the parts, which lie in folders of the adapter's: {parts}"
    held = contents(adapter)
    return next(reason for place, reason in _REASONS.items() if place in held)
