"""What is known of an audit: the fields of `audit.json`, checked once, so that its page needs no further checks."""

from pathlib import Path
from typing import Any

from pydantic import Field, FiniteFloat

from capotasto.report.reading import read_record
from capotasto.report.run import Interval, Part, Record


class Comparison(Part):
    """One metric without the adapter and with it."""

    base: Interval | None = None
    tuned: Interval | None = None
    change: Interval | None = None


class Group(Part):
    """Scores by metric on some rows, the most telling first."""

    rows: int = 0
    scores: dict[str, Comparison] = Field(default_factory=dict)


class Probed(Group):
    """Scores of a probe, and of the groups of its rows."""

    groups: dict[str, Group] = Field(default_factory=dict)


class Audited(Part):
    """What was found of one adapter.

    detached: `difference` of the base's logits after it was taken off
    skills:   skill → probe → base against adapter
    findings: skill → probe → whatever numbers it told
    """

    detached: dict[str, FiniteFloat] = Field(default_factory=dict)
    skills: dict[str, dict[str, Probed]] = Field(default_factory=dict)
    findings: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)


class Papers(Part):
    """What a probe is."""

    skill: str = ""
    title: str = ""
    files: dict[str, str] = Field(default_factory=dict)


class Judged(Part):
    """A gate, and whether it held."""

    adapter: str = ""
    number: str = ""
    min: FiniteFloat | None = None
    max: FiniteFloat | None = None
    decides: str = "value"
    found: Interval
    held: bool


class Audit(Record):
    """Everything in `audit.json`."""

    date: str = ""
    probes: dict[str, Papers] = Field(default_factory=dict)
    skipped: dict[str, str] = Field(default_factory=dict)
    adapters: dict[str, Audited] = Field(default_factory=dict)
    gates: list[Judged] = Field(default_factory=list)
    seconds: FiniteFloat = 0.0


def read_audit(folder: Path) -> Audit:
    """The audit in `folder`. UserError names the file and the field that cannot be used."""
    return read_record(Audit, folder / "audit.json", "an audit", "audit again")
