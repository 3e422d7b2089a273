"""What of an adapter vLLM takes, and LoRAs as folders that its servers can read."""

import re
import shutil
import tempfile
from pathlib import Path
from threading import Lock
from weakref import WeakKeyDictionary

from capotasto.artifact import write_peft
from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError
from capotasto.exporting.contents import VIRTUAL_TOKENS, contents, described
from capotasto.methods.adapter import Adapter
from capotasto.methods.combined import CombinedAdapter
from capotasto.methods.lora import LoraAdapter
from capotasto.records import content_hash, file_hash
from capotasto.wheels import home


def lora_of(adapter: Adapter | None) -> LoraAdapter | None:
    """The LoRA in it; None where it has virtual tokens only, or is no adapter.

    Errors: it holds something that vLLM has no place for.
    """
    parts = [] if adapter is None else adapter.adapters() if isinstance(adapter, CombinedAdapter) else [adapter]
    loras = [part for part in parts if isinstance(part, LoraAdapter) and part.length is None and not len(part.biases)]
    others = [part for part in parts if part not in loras and contents(part) != [VIRTUAL_TOKENS]]
    if adapter is not None and (others or len(loras) > 1):
        why = "it has lengths or biases" if isinstance(adapter, LoraAdapter) else described(adapter)
        raise AdapterError(
            f"vLLM takes virtual tokens and one plain lora, and not {adapter.name!r}: {why}; write with it on this"
            " machine, or merge it into a base of its own (capo merge)"
        )
    return loras[0] if loras else None


class LoraFolders:
    """LoRAs as folders of PEFT's that the servers read, each named after its content, so that another of the same name
    is never taken for it.

    folder: where they are put; None is the cache folder
    """

    def __init__(self, base: FrozenBase, folder: Path | None):
        self._base, self._place = base, folder or home() / "vllm"
        self._written: WeakKeyDictionary[LoraAdapter, Path] = WeakKeyDictionary()
        self._lock = Lock()

    def of(self, adapter: Adapter | None) -> Path | None:
        """The folder of the LoRA in `adapter`, written when it is first asked for; None where there is no LoRA."""
        lora = lora_of(adapter)
        if lora is None:
            return None
        with self._lock:
            if lora not in self._written:
                self._written[lora] = self._write(lora)
            return self._written[lora]

    def _write(self, lora: LoraAdapter) -> Path:
        self._place.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=self._place, prefix="."))
        try:
            write_peft(lora, made, self._base)
            digest = content_hash(file_hash(path) for path in sorted(made.iterdir()))
            target = self._place / f"{re.sub(r'[^A-Za-z0-9._-]', '_', lora.name)}-{digest[:12]}"
            if not target.exists():
                made.chmod(0o755)
                made.rename(target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return target.resolve()
