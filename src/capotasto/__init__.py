"""Capotasto: one frozen language model, many cheap specialists.

The names are imported when they are first used, so that `import capotasto` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from capotasto.version import __version__ as __version__

if TYPE_CHECKING:
    from capotasto.auditing.run import audit as audit
    from capotasto.auditing.settings import AuditSettings as AuditSettings
    from capotasto.comparing.run import Comparison as Comparison
    from capotasto.comparing.run import compare as compare
    from capotasto.comparing.settings import CompareSettings as CompareSettings
    from capotasto.experiment.outcome import Run as Run
    from capotasto.experiment.search.run import SearchResult as SearchResult
    from capotasto.experiment.search.run import search as search
    from capotasto.experiment.search.settings import SearchSettings as SearchSettings
    from capotasto.experiment.settings import TuneSettings as TuneSettings
    from capotasto.experiment.tune import tune as tune
    from capotasto.experiment.tune import tune_many as tune_many
    from capotasto.exporting.export import export as export
    from capotasto.merging import merge as merge
    from capotasto.merging import merged as merged
    from capotasto.promotion import promote as promote
    from capotasto.retrieve.ask import ask as ask
    from capotasto.retrieve.build import build_index as build_index
    from capotasto.retrieve.index import Index as Index
    from capotasto.session import Base as Base
    from capotasto.session import load_adapter as load_adapter
    from capotasto.session import load_base as load_base
    from capotasto.session import new_prompt as new_prompt
    from capotasto.store import Store as Store
    from capotasto.training.job import Job as Job
    from capotasto.training.loop import train as train
    from capotasto.training.settings import TrainSettings as TrainSettings
    from capotasto.types import Example as Example
    from capotasto.types import Turn as Turn

_PLACES = {
    "AuditSettings": "capotasto.auditing.settings",
    "Base": "capotasto.session",
    "CompareSettings": "capotasto.comparing.settings",
    "Comparison": "capotasto.comparing.run",
    "Example": "capotasto.types",
    "Index": "capotasto.retrieve.index",
    "Job": "capotasto.training.job",
    "Run": "capotasto.experiment.outcome",
    "Store": "capotasto.store",
    "SearchResult": "capotasto.experiment.search.run",
    "SearchSettings": "capotasto.experiment.search.settings",
    "TrainSettings": "capotasto.training.settings",
    "TuneSettings": "capotasto.experiment.settings",
    "Turn": "capotasto.types",
    "ask": "capotasto.retrieve.ask",
    "audit": "capotasto.auditing.run",
    "build_index": "capotasto.retrieve.build",
    "compare": "capotasto.comparing.run",
    "export": "capotasto.exporting.export",
    "load_adapter": "capotasto.session",
    "load_base": "capotasto.session",
    "merge": "capotasto.merging",
    "merged": "capotasto.merging",
    "new_prompt": "capotasto.session",
    "promote": "capotasto.promotion",
    "search": "capotasto.experiment.search.run",
    "train": "capotasto.training.loop",
    "tune": "capotasto.experiment.tune",
    "tune_many": "capotasto.experiment.tune",
}

__all__ = ["__version__", *sorted(_PLACES)]  # noqa: PLE0604 (they are strings)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
