"""All that can be told about what an adapter has learnt by heart and may give away."""

from pathlib import Path
from typing import Any

from capotasto.audit.exposure import exposures
from capotasto.audit.extraction import extraction
from capotasto.audit.membership import membership
from capotasto.audit.outputs import outputs
from capotasto.audit.run_rows import read_run
from capotasto.methods.adapter import Adapter
from capotasto.session import Base


def leaks(base: Base, adapter: Adapter, folder: Path, key: Path | None = None, seed: int = 0) -> dict[str, Any]:
    """The records of `membership`, `extraction`, `outputs` and, with a key, `canaries`; of an adapter that answers by a
    head only the first. Each says `flagged`.

    folder: the run that made the adapter
    key:    of the canaries that were planted in its data
    Errors: the folder holds no run, its data have changed, or there is a key and the adapter writes no text.
    """
    rows = read_run(folder)
    found: dict[str, Any] = {"membership": membership(base, adapter, rows, seed=seed).record()}
    if adapter.head() is None:
        found["extraction"] = extraction(base, adapter, rows, seed=seed).record()
        found["outputs"] = outputs(base, adapter, rows, seed=seed).record()
    if key is not None:
        found["canaries"] = exposures(base, adapter, key, rows, seed).record()
    return found
