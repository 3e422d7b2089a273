"""`compare.json`: all that is known of a comparison, written after every contender, so that it can go on."""

import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from capotasto.comparing.contenders import CONTENDERS
from capotasto.comparing.timetable import Timetable
from capotasto.experiment.folder import REPORT
from capotasto.records import read_same, write_json

FILE, FOLDER = "compare.json", "contenders"


@dataclass
class Ledger:
    """The records of contenders and what they share.

    identity: of base, rows and settings; a comparison goes on only as the one it was
    facts:    what else is written into the file
    timetable: how the budget was divided when it began
    spent:    seconds of earlier calls
    """

    folder: Path
    identity: str
    facts: dict[str, Any]
    timetable: Timetable | None = None
    contenders: dict[str, dict[str, Any]] = field(default_factory=dict)
    curve: list[dict[str, Any]] = field(default_factory=list)
    spent: float = 0.0
    _began: float = field(default_factory=time.monotonic)

    @classmethod
    def open(cls, folder: Path, identity: str, facts: dict[str, Any], resume: bool) -> Self:
        """A new one, or that of the comparison in `folder`. Errors: it was another comparison."""
        path = folder / FILE
        if not resume or not path.exists():
            return cls(folder, identity, facts)
        kept = read_same(path, identity, "a comparison with another base, data, budget or settings")
        contenders = {one["name"]: one for one in kept["contenders"]}
        facts = {**facts, **{name: facts[name] or kept[name] for name in ("audit", "wizard")}}
        return cls(folder, identity, facts, Timetable(**kept["timetable"]), contenders, kept["curve"], kept["seconds"])

    @property
    def seconds(self) -> float:
        """Spent so far, those of earlier calls included."""
        return self.spent + time.monotonic() - self._began

    @property
    def done(self) -> dict[str, dict[str, Any]]:
        """The records of contenders that are finished."""
        return {name: one for name, one in self.contenders.items() if one["status"] == "done"}

    def take(self, record: dict[str, Any]) -> None:
        """Note a contender."""
        self.contenders[record["name"]] = record
        self.write()

    def write(self) -> dict[str, Any]:
        """Write the file; returns its content."""
        assert self.timetable is not None
        content = {
            **self.facts,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 2),
            "contenders": [self.contenders[name] for name in CONTENDERS if name in self.contenders],
            "curve": self.curve,
            "timetable": self.timetable.as_dict(),
            "identity": self.identity,
        }
        write_json(self.folder / FILE, content)
        return content


def clear(folder: Path) -> None:
    """Remove what an earlier comparison wrote, and nothing else that a person may keep there."""
    if (folder / FILE).exists():
        shutil.rmtree(folder / FOLDER, ignore_errors=True)
        for name in (FILE, REPORT):
            (folder / name).unlink(missing_ok=True)
    for name in (FILE, REPORT):
        for unfinished in folder.glob(f".{name}.*"):
            unfinished.unlink(missing_ok=True)
