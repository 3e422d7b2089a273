"""What all contenders of a comparison share: base, rows, time, and what the others have come to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from capotasto.comparing.answering import ROUGE, Answered, answer, moved
from capotasto.comparing.contender import Ready
from capotasto.comparing.settings import AllSettings
from capotasto.comparing.timetable import Timetable
from capotasto.evaluate.metrics import LOWER_IS_BETTER, named
from capotasto.evaluate.questions import BATCH_TOKENS
from capotasto.evaluate.wishes import USUAL, Wishes
from capotasto.evaluate.writers import distinct_prompts
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.shared import Shared
from capotasto.experiment.tasks import Task
from capotasto.session import Base
from capotasto.tokens.render import Renderer
from capotasto.types import Example, StepRecord

SAMPLE = 50  # rows from which mean lengths are taken
WRITTEN = 64  # tokens of a written answer at most


@dataclass
class Contest:
    """The ground on which contenders meet.

    source:    the data file
    task:      what is in it, with the rows that are used
    folder:    the comparison's; each contender has `contenders/NAME` in it
    done:      name → the record of each contender that is finished, as in `compare.json`
    see:       is shown the records of trainings
    timetable: how the budget is divided
    """

    base: Base
    source: str
    settings: AllSettings
    task: Task
    folder: Path
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    see: Callable[[StepRecord], None] = lambda record: None
    timetable: Timetable = field(init=False)
    _shared: Shared = field(default_factory=Shared, init=False)
    _bare: dict[int, Answered] = field(default_factory=dict, init=False)

    @property
    def labels(self) -> list[str]:
        """The labels to choose one of; none where the task is to write."""
        return self.task.dataset.labels

    @property
    def plain(self) -> bool:
        """True for texts without questions."""
        return self.task.splits.train[0].plain

    @property
    def max_length(self) -> int:
        """Tokens of a row, all that stands before its answer included."""
        return min(self.settings.max_length, self.base.context or self.settings.max_length)

    @cached_property
    def renderer(self) -> Renderer:
        """How rows of the bare base become token ids."""
        return self.base.renderer(None, self.max_length)

    @cached_property
    def question(self) -> float:
        """Tokens that are read for a bare row on average: the question, and the answer or all labels."""
        rows = self.task.splits.train[:SAMPLE]
        labels = sum(self.renderer.longest([label]) for label in self.labels)
        answers = sum(self.renderer.longest([row.completion]) for row in rows) if labels else 0
        return labels + (sum(map(self.size, rows)) - answers) / len(rows)

    def size(self, row: Example) -> int:
        """Tokens of a row with its answer."""
        answer = 0 if row.plain else self.renderer.longest([row.completion])
        return len(self.renderer.prompt(row.turns[:-1] or row.turns).ids) + answer

    def read_once(self, tokens: float) -> float:
        """What so many tokens that stand before every row alike come to for one row: a batch reads them once."""
        return tokens * min(1.0, (self.question + tokens) / BATCH_TOKENS)

    @property
    def trained(self) -> list[dict[str, Any]]:
        """The records of the trainings that are finished, the best score first."""
        metric = self.metric
        found = [record for record in self.done.values() if record["kind"] == "training"]
        found.sort(key=lambda record: record["scores"][metric]["value"], reverse=metric not in LOWER_IS_BETTER)
        return found

    def place(self, name: str) -> Path:
        """The folder of a contender."""
        return self.folder / "contenders" / name

    @cached_property
    def wishes(self) -> Wishes:
        """What is measured in the end beside the usual: where answers are written, how near they are to the wanted."""
        writes = not self.labels and not self.plain and named(ROUGE).installed
        return Wishes((ROUGE,), tokens=WRITTEN) if writes else USUAL

    @property
    def prompts(self) -> list[int] | None:
        """[N] number of each test row's prompt, where answers are written: rows that ask the same get one answer, and
        count as one; None where every row counts."""
        return distinct_prompts(self.task.splits.test)[1].tolist() if self.wishes.writes else None

    @property
    def metric(self) -> str:
        """The metric that decides."""
        return "accuracy" if self.labels else ROUGE if self.wishes.writes else "loss"

    def judged(self, ready: Ready, rows: Sequence[Example]) -> Answered:
        """Ask a contender what it is judged by."""
        return self.answer(ready, rows, self.wishes)

    def answer(self, ready: Ready, rows: Sequence[Example], wishes: Wishes = USUAL) -> Answered:
        """Ask a contender. The bare base is asked the same rows only once; offsets move what it said."""
        if ready.frame is not None or ready.adapters != (None,):
            return answer(self.base, ready, rows, self.labels, self.max_length, wishes)
        key = hash((wishes, *(row.turns for row in rows)))
        if key not in self._bare:
            self._bare[key] = answer(self.base, Ready(), rows, self.labels, self.max_length, wishes)
        return self._bare[key] if ready.offsets is None else moved(self._bare[key], ready.offsets)

    def shared(self, settings: TuneSettings, task: Task | None = None) -> Shared:
        """What trainings over these rows have in common, the rows themselves included; `task` has other rows."""
        shared = self._shared if task is None else Shared()
        shared.once("tasks", self.source, settings, lambda: [task or self.task])
        return shared
