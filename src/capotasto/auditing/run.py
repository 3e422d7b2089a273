"""An audit: the asking, and the record of it."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from capotasto.auditing import detached, gates
from capotasto.auditing.compare import compared
from capotasto.auditing.probe import AbsentError
from capotasto.auditing.questions import Question, Search, prepare
from capotasto.auditing.run_rows import RunRows
from capotasto.auditing.settings import AuditSettings
from capotasto.errors import BaseError, SettingError
from capotasto.experiment.outcome import describe
from capotasto.methods.adapter import Adapter
from capotasto.session import Base
from capotasto.version import __version__


def audit(
    base: Base,
    adapters: Mapping[str, Adapter],
    settings: AuditSettings | None = None,
    runs: Mapping[str, Path | RunRows] | None = None,
    watch: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Ask every probe of the base and of all adapters in the same batches; the record as in docs/audit.md.

    runs:  of adapters that have one, its folder or its rows, for the probes that read it
    watch: is told the name of each probe before it is asked
    Errors: an encoder; a probe, a folder or a gate that does not exist; a probe file that cannot be read.
    """
    began, settings = time.monotonic(), settings or AuditSettings()
    if base.is_encoder:
        raise BaseError(f"{base.name} is an encoder and gives texts no likelihood; audit an adapter of a decoder base")
    limits = gates.read_gates(Path(settings.gate)) if settings.gate else {}
    before = detached.logits(base)
    asked = prepare(settings, list(adapters), runs or {})
    if not asked.questions and not asked.searches:
        raise SettingError(f"no probe can be asked: {'; '.join(asked.skipped.values())}; docs/audit.md lists the files")
    gates.check(limits, asked.numbers(), asked.openings(), asked.skipped)
    found: dict[str, dict[str, Any]] = {name: {"detached": {}, "skills": {}, "findings": {}} for name in adapters}
    watch = watch or _nobody
    for question in asked.questions:
        watch(question.name)
        _ask(base, question, adapters, found)
    for search in asked.searches:
        watch(search.name)
        asked.skipped.update(_find(base, search, adapters[search.adapter], found[search.adapter]))
    for name, adapter in adapters.items():
        found[name]["detached"] = {"difference": detached.difference(base, adapter, before)}
    return {
        "capotasto": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "base": describe(base),
        "settings": settings.model_dump(),
        "probes": asked.papers(),
        "skipped": asked.skipped,
        "adapters": found,
        "gates": gates.judged(limits, found),
        "seconds": time.monotonic() - began,
    }


def _ask(base: Base, question: Question, adapters: Mapping[str, Adapter], found: dict[str, dict[str, Any]]) -> None:
    """Put what was found into the records of the adapters."""
    probe = question.probe
    bare, *tuned = probe.ask(base, question.items, [None, *adapters.values()])
    for name, own in zip(adapters, tuned, strict=True):
        skill = found[name]["skills"].setdefault(probe.skill, {})
        skill[question.name] = compared(probe, question.items, bare, own)


def _find(base: Base, search: Search, adapter: Adapter, found: dict[str, Any]) -> dict[str, str]:
    """Put what was found into the record of the adapter; what is returned is why nothing could be looked for."""
    try:
        seen = search.finding.find(base, adapter, search.run)
    except AbsentError as reason:
        return {search.name: str(reason)}
    found["findings"].setdefault(search.finding.skill, {})[search.name] = seen
    return {}


def _nobody(name: str) -> None:
    """Watches nothing."""
