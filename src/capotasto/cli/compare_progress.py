"""Progress of a comparison on stderr: one line that says which contender is at work and what time is left."""

import time
from typing import TYPE_CHECKING

from rich.console import Console

from capotasto.cli.bar import SEPARATOR, Bar
from capotasto.cli.terminal import err
from capotasto.report import format
from capotasto.types import StepRecord

if TYPE_CHECKING:
    from capotasto.comparing.run import Standing


class CompareProgress(Bar):
    """A bar over the contenders; where stderr is no terminal, a line for each.

    Use it as `with CompareProgress() as progress: compare(..., watch=progress.see)`.
    """

    def __init__(self, console: Console = err):
        super().__init__(console)
        self.began = 0.0

    def see(self, standing: "Standing", record: StepRecord | None) -> None:
        """Show where the comparison stands; without a record, another contender begins."""
        if record is None:
            self.began = time.monotonic()
        text = SEPARATOR.join(self._parts(standing, record))
        self.bars.update(self.task, completed=standing.number - 1, total=standing.of, text=text)
        if record is None and not self.console.is_terminal:
            self.console.print(text, soft_wrap=True)

    def _parts(self, standing: "Standing", record: StepRecord | None) -> list[str]:
        left = standing.budget - standing.seconds - (time.monotonic() - self.began)
        learning = record is not None and record.kind != "trunk"
        return [
            f"{standing.number}/{standing.of} {standing.name}",
            *([f"step {record.step}", f"loss {record.loss:.3f}"] if learning and record else []),
            f"{format.clock(left)} left",
        ]
