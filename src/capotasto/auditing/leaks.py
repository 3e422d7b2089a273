"""What an adapter gives away of its training rows, as findings of an audit: each reads the run folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capotasto.auditing.exposure import exposures
from capotasto.auditing.extraction import extraction
from capotasto.auditing.membership import membership
from capotasto.auditing.outputs import outputs
from capotasto.auditing.planting import key_of
from capotasto.auditing.probe import AbsentError, Finding
from capotasto.auditing.run_rows import RunRows, read_run
from capotasto.errors import UserError
from capotasto.methods.adapter import Adapter
from capotasto.session import Base


@dataclass(frozen=True, kw_only=True)
class Leak(Finding):
    """Something that may come out of an adapter.

    look:   given the base, the adapter and the rows of its run, the record
    writes: it looks at what the adapter writes, so that one which answers by a head has none of it
    """

    look: Callable[[Base, Adapter, RunRows], dict[str, Any]]
    writes: bool = True
    skill: str = "leakage"

    def find(self, base: Base, adapter: Adapter, run: Path | RunRows) -> dict[str, Any]:
        """The record. Errors: `AbsentError`, the rows of the run cannot be read, or there is nothing to look at."""
        if self.writes and adapter.head() is not None:
            raise AbsentError(f"{adapter.name} answers by a head and writes no text")
        try:
            rows = run if isinstance(run, RunRows) else read_run(run)
        except UserError as error:
            raise AbsentError(str(error)) from None
        return self.look(base, adapter, rows)


def _canaries(base: Base, adapter: Adapter, rows: RunRows) -> dict[str, Any]:
    key = key_of(Path(rows.data))
    if not key.exists():
        raise AbsentError(f"no key at {key}: its data hold no canaries (capo data FILE --plant-canaries N)")
    return exposures(base, adapter, key, rows).record()


MEMBERSHIP = Leak(
    title="Membership of training rows",
    writes=False,
    look=lambda base, adapter, rows: membership(base, adapter, rows).record(),
)
EXTRACTION = Leak(
    title="Training text word for word", look=lambda base, adapter, rows: extraction(base, adapter, rows).record()
)
OUTPUTS = Leak(title="Personal data in answers", look=lambda base, adapter, rows: outputs(base, adapter, rows).record())
CANARIES = Leak(title="Canaries", look=_canaries)
