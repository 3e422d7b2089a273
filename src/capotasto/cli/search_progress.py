"""Progress of a search on stderr: one line that says where the race stands."""

import math
import time
from typing import TYPE_CHECKING

from rich.console import Console

from capotasto.cli.bar import SEPARATOR, Bar
from capotasto.cli.terminal import err
from capotasto.report import format
from capotasto.types import StepRecord

if TYPE_CHECKING:
    from capotasto.experiment.search.race import Standing


class SearchProgress(Bar):
    """A bar for the trials that learn now, and what is known so far; where stderr is no terminal, a line a group.

    Use it as `with SearchProgress() as progress: search(..., watch=progress.see)`.
    """

    def __init__(self, console: Console = err):
        super().__init__(console)
        self.began = 0.0
        self.best: tuple[float, str] | None = None
        self.steps: dict[str, tuple[int, int]] = {}

    def see(self, standing: "Standing", record: StepRecord | None) -> None:
        """Show where the race stands; without a record, another group of trials begins."""
        if record is None:
            self._begin(standing)
        elif record.kind != "trunk":
            self.steps[record.job] = record.step, record.steps
            if record.kind == "held_out" and record.loss < (self.best or (math.inf, ""))[0]:
                self.best = record.loss, record.job
        done, total = (sum(counts) for counts in zip(*(self.steps.values() or [(0, 1)]), strict=True))
        goal = total * standing.share if standing.learning else None
        self.bars.update(
            self.task, completed=min(done, goal or done), total=goal, text=SEPARATOR.join(self._parts(standing))
        )

    def _begin(self, standing: "Standing") -> None:
        self.began, self.steps = time.monotonic(), {}
        if standing.best is not None and standing.best.loss is not None:
            self.best = standing.best.loss, standing.best.name
        if not self.console.is_terminal:
            self.console.print(SEPARATOR.join(self._parts(standing)), soft_wrap=True)

    def _parts(self, standing: "Standing") -> list[str]:
        if not standing.learning:
            return ["judging the best on untouched rows"]
        spent = standing.seconds + time.monotonic() - self.began
        return [
            f"rung {standing.rung}/{standing.rungs}",
            f"{standing.alive} trials alive, {len(standing.learning)} learning",
            *([f"best {self.best[0]:.3f} ({self.best[1]})"] if self.best else []),
            f"{format.clock(standing.budget - spent)} left"
            if standing.budget < math.inf
            else f"{format.clock(spent)} so far",
        ]
