"""Which probes can be asked, and of what: items from the folder of probes, the runs of adapters."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from capotasto.auditing import PROBES
from capotasto.auditing.probe import AbsentError, Comparison, Finding, Item, Probe
from capotasto.auditing.run_rows import RunRows
from capotasto.auditing.settings import AuditSettings
from capotasto.errors import SettingError, nearest
from capotasto.records import file_hash

SIDES = ("base", "tuned", "change")


@dataclass(frozen=True)
class Question:
    """A comparison with its items, for all adapters."""

    name: str
    probe: Comparison
    files: list[Path]
    items: list[Item]

    def papers(self) -> dict[str, Any]:
        """What is asked, and from which files."""
        files = {str(path): file_hash(path) for path in self.files}
        return {"skill": self.probe.skill, "title": self.probe.title, "files": files}

    def numbers(self) -> Iterator[str]:
        """Those that the record will have, by their names."""
        groups = {"", *(f"{name}." for item in self.items for name in item.groups)}
        for start in (f"{self.probe.skill}.{self.name}.{group}" for group in groups):
            yield f"{start}rows"
            yield from (f"{start}{metric}.{side}" for metric in self.probe.metrics for side in SIDES)


@dataclass(frozen=True)
class Search:
    """A finding, and the adapter and its run, folder or rows, in which it is looked for."""

    name: str
    finding: Finding
    adapter: str
    run: Path | RunRows

    def papers(self) -> dict[str, Any]:
        """What is looked for."""
        return {"skill": self.finding.skill, "title": self.finding.title, "files": {}}


@dataclass(frozen=True)
class Asked:
    """All that can be asked; `skipped`: for each probe that cannot, the reason."""

    questions: list[Question] = field(default_factory=list)
    searches: list[Search] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def numbers(self) -> set[str]:
        """The numbers that the record will have, by their names."""
        return {"detached.difference", *(name for one in self.questions for name in one.numbers())}

    def papers(self) -> dict[str, dict[str, Any]]:
        """Probe → what it asks."""
        questions = {one.name: one.papers() for one in self.questions}
        return {**questions, **{one.name: one.papers() for one in self.searches}}

    def openings(self) -> tuple[str, ...]:
        """How names begin that only the finding itself can tell."""
        return tuple({f"{one.finding.skill}.{one.name}." for one in self.searches})


def prepare(settings: AuditSettings, adapters: Sequence[str], runs: Mapping[str, Path | RunRows]) -> Asked:
    """What can be asked of these adapters, of which some have runs.

    Errors: a probe or a folder that does not exist, a file that cannot be read.
    """
    found, wanted = Asked(), _wanted(settings)
    shared = _folder(settings) if any(isinstance(probe, Comparison) for probe in wanted.values()) else None
    for name, probe in wanted.items():
        try:
            if isinstance(probe, Comparison) and shared is not None:
                found.questions.append(_question(name, probe, shared, settings.rows))
            elif isinstance(probe, Finding):
                found.searches.extend(Search(name, probe, one, runs[one]) for one in adapters if one in runs)
                _check_runs(adapters, runs)
        except AbsentError as reason:
            found.skipped[name] = str(reason)
    return found


def _check_runs(adapters: Sequence[str], runs: Mapping[str, Path | RunRows]) -> None:
    """Errors: `AbsentError`, an adapter without a run."""
    if without := [name for name in adapters if name not in runs]:
        raise AbsentError(f"no run folder of {', '.join(without)}, and this probe reads one")


def _question(name: str, probe: Comparison, folder: Path, rows: int) -> Question:
    """Errors: `AbsentError`."""
    files, items = probe.files(folder), probe.items(folder, rows)
    if not items:
        raise AbsentError(f"no rows in {', '.join(map(str, files))}")
    return Question(name, probe, files, items)


def _wanted(settings: AuditSettings) -> dict[str, Probe]:
    """The wanted probes; a skill stands for all of its own. Errors: neither a probe nor a skill."""
    known = {name: cast(Probe, PROBES[name]) for name in PROBES}
    names = {*known, *(probe.skill for probe in known.values())}
    given = names if settings.probes is None else set(settings.probes)
    if unknown := sorted(given - names):
        raise SettingError(f"unknown probe or skill {unknown[0]!r} in --probes; {nearest(unknown[0], names)}")
    return {name: probe for name, probe in known.items() if {name, probe.skill} & given}


def _folder(settings: AuditSettings) -> Path:
    """Where the probes' files are. Errors: nowhere."""
    given = settings.folder
    if not given:
        raise SettingError(
            "no folder of probe files: name one with --probes-dir DIR or CAPO_DATA; docs/audit.md lists the files and"
            " where to get them"
        )
    if not Path(given).is_dir():
        raise SettingError(f"no folder of probe files at {given}; check --probes-dir or CAPO_DATA")
    return Path(given)
