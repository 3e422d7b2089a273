"""`search`: data and a space of settings in, the best adapter and an account of all trials out."""

import tempfile
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from capotasto.errors import SettingError
from capotasto.experiment import folder as run_folder
from capotasto.experiment.outcome import Run
from capotasto.experiment.plan import Plan, plan
from capotasto.experiment.search import folder as search_folder
from capotasto.experiment.search.advance import advance, look_steps
from capotasto.experiment.search.ask import check_installed
from capotasto.experiment.search.halving import rungs
from capotasto.experiment.search.ledger import Ledger, Trial
from capotasto.experiment.search.race import Advance, Race, SearchWatch
from capotasto.experiment.search.settings import SearchSettings
from capotasto.experiment.search.space import Space, as_dict, default_space, methods_in, read_space
from capotasto.experiment.search.winner import conclude
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.shared import Shared
from capotasto.experiment.start import check_method
from capotasto.experiment.suited import suited
from capotasto.records import content_hash
from capotasto.session import Base, load_base
from capotasto.version import __version__


class AllSettings(SearchSettings, TuneSettings):
    """Everything `capo search` can be told."""


@dataclass(frozen=True)
class SearchResult:
    """A finished search.

    run:    the winner's, in `folder`/best: an ordinary run, scored on the untouched test rows
    trials: every trial
    record: all of `search.json`
    """

    folder: Path
    run: Run
    trials: list[Trial]
    record: dict[str, Any] = field(repr=False)


def search(
    base: Base | str, data: str | Path, *, out: str | Path, watch: SearchWatch | None = None, **settings: Any
) -> SearchResult:
    """Try many settings on `data`, train the best to its end, judge it, and keep all of it in the folder `out`.

    base:     a loaded base, or what `load_base` takes
    watch:    is shown where the race stands, with each step record of a trial
    settings: see `SearchSettings` and `TuneSettings`; an unknown one is an error
    """
    check_installed()
    every = AllSettings.build(settings, "search").model_dump()
    ours = SearchSettings(**{name: every[name] for name in SearchSettings.model_fields})
    tuned = TuneSettings(**{name: every[name] for name in TuneSettings.model_fields})
    loaded, folder = load_base(base) if isinstance(base, str) else base, Path(out)
    check_method(tuned.method)
    tuned = suited(loaded, tuned)
    if ours.on is not None and tuned.stack_on is not None:
        raise SettingError("--on spreads trials over machines that do not have the folder of --stack-on; leave one out")
    if tuned.report_to != "none":
        raise SettingError("--report-to follows one run and a search has many; leave it out and read report.html")
    run_folder.check(folder, tuned.resume, tuned.force)
    shared = Shared()
    probe = _probe(loaded, str(data), tuned, shared)
    space = _space(loaded, ours, tuned, probe, set(settings))
    ledger = _ledger(folder, loaded, ours, tuned, probe, space)
    heights = rungs(ours.trials, ours.halving, len(look_steps(probe.job)))
    ledger.facts["rungs"] = [asdict(rung) for rung in heights]
    first = {**tuned.model_dump(), "lr": probe.job.lr}
    go = _advancer(loaded, str(data), ours, shared)
    race = Race(ledger, tuned, ours, space, heights, first, go, watch)
    done = race.run()
    run, record = conclude(loaded, str(data), race, done)
    return SearchResult(folder, run, ledger.trials, record)


def _probe(base: Base, source: str, settings: TuneSettings, shared: Shared) -> Plan:
    """What a trial would be with the settings as they are. Nothing of it stays on the disk."""
    with tempfile.TemporaryDirectory() as scratch:
        found = plan(base, source, Path(scratch), settings.model_copy(update={"resume": False, "force": False}), shared)
    if not found.job.held_out:
        raise SettingError("trials are compared on validation rows and there are none; set --val above 0")
    return found


def _space(base: Base, ours: SearchSettings, settings: TuneSettings, probe: Plan, given: set[str]) -> Space:
    if ours.space is None:
        return default_space(settings, probe.job.lr, given)
    space = read_space(ours.space, settings)
    if twice := sorted(space.keys() & given):
        raise SettingError(f"{twice[0]!r} is set and stands in the space too; leave one of them out")
    for method in methods_in(space):
        check_method(method)
    heads = {"head" in method.split("+") for method in methods_in(space) or [settings.method]}
    if len(heads) > 1 and not base.is_encoder:
        raise SettingError("losses of methods with a head and without do not compare; search them apart")
    return space


def _ledger(
    folder: Path, base: Base, ours: SearchSettings, settings: TuneSettings, probe: Plan, space: Space
) -> Ledger:
    """What is known of this search so far, and what all its trials share."""
    searched = {"space": as_dict(space), **ours.model_dump(include={"trials", "halving", "together"})}
    identity = content_hash([probe.identity, str(searched)])
    if settings.force and not settings.resume:
        search_folder.clear(folder)
    if settings.resume:
        search_folder.sweep(folder)
    facts = {
        "capotasto": __version__,
        "name": settings.name or folder.resolve().name,
        "method": settings.method,
        "base": {"name": base.name, "source": base.source, "fingerprint": base.fingerprint},
        "data": {"path": probe.dataset.path, "hash": probe.dataset.hash},
        "rows": probe.splits.sizes,
        "settings": settings.model_dump(),
        "budget": ours.budget,
        **searched,
    }
    return Ledger.open(folder, identity, facts, settings.resume)


def _advancer(base: Base, source: str, ours: SearchSettings, shared: Shared) -> Advance:
    """Who trains: this process, or the nodes of a cluster."""
    if ours.on is None:
        return partial(advance, base, source, shared)
    from capotasto.experiment.search.nodes import Nodes

    return Nodes(base, source, ours.on, shared).advance
