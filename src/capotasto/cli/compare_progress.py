"""Progress of a comparison on stderr: one line that says which contender is at work and what time is left."""

import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from capotasto.cli.progress import BAR, SEPARATOR
from capotasto.cli.search_progress import clock
from capotasto.cli.terminal import err
from capotasto.types import StepRecord

if TYPE_CHECKING:
    from capotasto.comparing.run import Standing


class CompareProgress:
    """A bar over the contenders; where stderr is no terminal, a line for each.

    Use it as `with CompareProgress() as progress: compare(..., watch=progress.see)`.
    """

    def __init__(self, console: Console = err):
        self.console = console
        self.bars = Progress(
            SpinnerColumn(),
            BarColumn(BAR),
            TextColumn("{task.fields[text]}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self.task = self.bars.add_task("", total=None, text="preparing")
        self.began = 0.0

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self.bars.stop()

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
            f"{clock(left)} left",
        ]
