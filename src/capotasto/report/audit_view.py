"""An audit as its page and the terminal show it: texts and pictures, nothing left to compute."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from markupsafe import Markup

from capotasto.report import format
from capotasto.report.audit import Audit, Audited, Group, Judged
from capotasto.report.audit_words import told
from capotasto.report.changes import Change, changes
from capotasto.report.facts import Facts, base_model, known
from capotasto.report.metrics import metric
from capotasto.report.numbers import numbers
from capotasto.report.view import Score

CLEAR = {  # how a clear change reads in the summary
    "worse": "Clearly worse",
    "better": "Clearly better",
    "lower": "Clearly lower",
    "higher": "Clearly higher",
}
SEARCHED = ("Found", "Looked for and not found")
_DIRECTIONS = {False: "higher is better", True: "lower is better", None: "neither direction is better"}


@dataclass(frozen=True)
class ProbeView:
    """One probe of one adapter."""

    title: str
    rows: int
    scores: list[Score]
    groups: dict[str, list[Score]]

    @property
    def pictures(self) -> list[tuple[str, Markup]]:
        """The changes group by group; the first metric tells them."""
        return _pictures({name: scores[0] for name, scores in self.groups.items() if scores})


@dataclass(frozen=True)
class FindingView:
    """What one probe found in one adapter."""

    skill: str
    title: str
    record: dict[str, Any]

    @property
    def flagged(self) -> bool:
        """True where it found something."""
        return bool(self.record.get("flagged"))

    @property
    def facts(self) -> Facts:
        """Every number in print, by its name."""
        found = numbers({key: value for key, value in self.record.items() if key != "flagged"})
        return [(name, told(value)) for name, value in found.items()]


@dataclass(frozen=True)
class SkillView:
    """All probes of one skill."""

    name: str
    probes: list[ProbeView]

    @property
    def pictures(self) -> list[tuple[str, Markup]]:
        """The change on each probe, in one picture a unit."""
        return _pictures({probe.title: probe.scores[0] for probe in self.probes if probe.scores})


class AdapterView:
    """What was found of one adapter."""

    def __init__(self, name: str, found: Audited, titles: Mapping[str, str]):
        self.name = name
        self.found = found
        self.titles = titles

    @cached_property
    def skills(self) -> list[SkillView]:
        """Skill by skill, in the order of the record."""
        return [
            SkillView(
                skill,
                [
                    ProbeView(
                        self.titles.get(name, name),
                        own.rows,
                        _scores(own),
                        {group: _scores(part) for group, part in own.groups.items()},
                    )
                    for name, own in probes.items()
                ],
            )
            for skill, probes in self.found.skills.items()
        ]

    @property
    def findings(self) -> list[FindingView]:
        """What was looked for in the adapter itself."""
        return [
            FindingView(skill, self.titles.get(name, name), record)
            for skill, probes in self.found.findings.items()
            for name, record in probes.items()
        ]

    @property
    def summary(self) -> str:
        """The clear changes and what was found, in a sentence or two; groups are left to the page."""
        searched = {word: [one.title for one in self.findings if one.flagged == (word == "Found")] for word in SEARCHED}
        found: dict[str, list[str]] = {}
        for probe in (probe for skill in self.skills for probe in skill.probes):
            for score in probe.scores:
                what = f"{probe.title}, {score.metric.title.lower()} {score.change[0]}"
                found.setdefault(score.word, []).append(what)
        clear = [f"{words}: {'; '.join(found[word])}." for word, words in CLEAR.items() if word in found]
        rest = len(found.get("no clear difference", ()))
        count = sum(map(len, found.values()))
        unclear = [f"No clear change in {rest} of {count} numbers."] if count else []
        leaks = [f"{word}: {'; '.join(titles)}." for word, titles in searched.items() if titles]
        return " ".join([*leaks, *clear, *unclear])

    @property
    def detached(self) -> str:
        """Whether the base was the same after the adapter was taken off, in a sentence."""
        gap = self.found.detached.get("difference")
        if gap is None:
            return ""
        if gap == 0:
            return "Taken off again, it leaves the base as it was: its logits differ by 0, bit for bit."
        return f"Taken off again, it leaves the base changed: its logits differ by up to {format.number(gap)}."


class AuditView:
    """What the template asks of an audit."""

    def __init__(self, audit: Audit):
        self.audit = audit
        titles = {name: papers.title or name for name, papers in audit.probes.items()}
        self.adapters = [AdapterView(name, found, titles) for name, found in audit.adapters.items()]

    @property
    def fallen(self) -> list[Judged]:
        """The gates that did not hold."""
        return [gate for gate in self.audit.gates if not gate.held]

    @property
    def status(self) -> str:
        """The gates in a word or three."""
        if not self.audit.gates:
            return "No gates"
        return f"{len(self.fallen)} of {len(self.audit.gates)} gates fell" if self.fallen else "All gates hold"

    @property
    def tone(self) -> str:
        """The class that colours the status."""
        return "worse" if self.fallen else ("better" if self.audit.gates else "neutral")

    @property
    def _files(self) -> dict[str, str]:
        """Every file that was read, and its hash."""
        return {path: digest for papers in self.audit.probes.values() for path, digest in papers.files.items()}

    @property
    def facts(self) -> dict[str, Facts]:
        """What was run, by heading."""
        groups = {
            "Audit": [
                ("Date", self.audit.date),
                ("Time", format.seconds(self.audit.seconds)),
                ("Capotasto", self.audit.capotasto),
                *((name, format.plain(value)) for name, value in self.audit.settings.items() if value is not None),
            ],
            "Base model": base_model(self.audit.base),
            "Files, with their sha256": [
                ("/".join(Path(path).parts[-2:]), digest[:12]) for path, digest in self._files.items()
            ],
            "Not asked": list(self.audit.skipped.items()),
        }
        return known(groups)


def _scores(group: Group) -> list[Score]:
    return [Score(metric(name), one.base, one.tuned, one.change) for name, one in group.scores.items()]


def _pictures(rows: Mapping[str, Score]) -> list[tuple[str, Markup]]:
    """A picture for each unit and direction of the changes: what can stand on one axis."""
    axes: dict[str, list[Change]] = {}
    for label, score in rows.items():
        if score.difference is not None:
            unit = "points" if score.metric.percent else score.metric.title.lower()
            title = f"Change in {unit}, tuned minus base; {_DIRECTIONS[score.metric.lower_is_better]}"
            axes.setdefault(title, []).append(Change(label, score.metric, score.difference))
    return [(title, changes(own)) for title, own in axes.items()]
