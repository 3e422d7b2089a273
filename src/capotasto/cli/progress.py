"""Progress of one training or of many, drawn from the stream of step records on stderr."""

import time
from dataclasses import dataclass, field
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn
from rich.progress import Progress as Bars

from capotasto.cli.bar import SEPARATOR, WIDTH
from capotasto.cli.terminal import err
from capotasto.report import format
from capotasto.types import StepRecord


@dataclass
class _Line:
    """What is known of one job. Pace and speed are counted from the first record, which a resumed run has late."""

    task: TaskID
    first: StepRecord
    began: float = field(default_factory=time.monotonic)
    step: int = 0
    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    loss: float | None = None
    held_out: float | None = None
    best: float | None = None

    def take(self, record: StepRecord) -> None:
        self.step, self.steps, self.seconds = record.step, record.steps, record.seconds
        if record.kind == "step":
            self.loss = record.loss
            self.tokens += record.tokens if record is not self.first else 0
        else:
            self.held_out = record.loss
            self.best = record.loss if self.best is None else min(self.best, record.loss)

    def parts(self) -> list[str]:
        """What there is to say, the most important first."""
        return [
            f"step {self.step}/{self.steps}",
            *([] if self.loss is None else [f"loss {self.loss:.3f}"]),
            *([] if self.held_out is None else [f"held-out {self.held_out:.3f}"]),
            *self._left(),
            *([] if self.best is None else [f"best {self.best:.3f}"]),
            *self._speed(),
        ]

    def _left(self) -> list[str]:
        done = self.step - self.first.step
        if not done:
            return []
        seconds = (time.monotonic() - self.began) / done * (self.steps - self.step)
        return [f"{format.clock(seconds)} left"]

    def _speed(self) -> list[str]:
        seconds = self.seconds - self.first.seconds
        return [f"{self.tokens / seconds:.0f} tokens/s"] if seconds > 0 else []


class Progress:
    """A bar for each job, as wide as the terminal allows; where stderr is no terminal, a line for each look.

    Use it as `with Progress() as progress: tune(..., watch=progress.see)`.
    """

    def __init__(self, console: Console = err):
        self.console = console
        self.lines: dict[str, _Line] = {}
        self.bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(WIDTH),
            TextColumn("{task.fields[text]}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self.waiting: TaskID | None = None

    def __enter__(self) -> Self:
        self.bars.start()
        self._wait("preparing")
        return self

    def __exit__(self, *fault: object) -> None:
        self._go_on()
        self.bars.stop()

    def see(self, record: StepRecord) -> None:
        """Show one record."""
        self._go_on()
        if record.kind == "trunk":
            self._wait(_trunk(record))
            return
        if record.job not in self.lines:
            self.lines[record.job] = _Line(self.bars.add_task(record.job, text=""), record)
        line = self.lines[record.job]
        line.take(record)
        self.bars.update(line.task, completed=record.step, total=record.steps, text=self._text(record.job, line))
        if record.kind == "held_out" and not self.console.is_terminal:
            self.console.print(f"{record.job}: {SEPARATOR.join(line.parts())}", soft_wrap=True)
        if all(one.step == one.steps for one in self.lines.values()):
            self._wait("judging on untouched rows")

    def _wait(self, what: str) -> None:
        self.waiting = self.bars.add_task(what, total=None, text="")

    def _go_on(self) -> None:
        if self.waiting is not None:
            self.bars.remove_task(self.waiting)
            self.waiting = None

    def _text(self, job: str, line: _Line) -> str:
        """As many parts as fit beside the name and the bar."""
        room = self.console.width - len(job) - WIDTH - 6
        text = ""
        for part in line.parts():
            longer = f"{text}{SEPARATOR}{part}" if text else part
            if len(longer) > room:
                break
            text = longer
        return text


def _trunk(record: StepRecord) -> str:
    """What is computed once, and the disk it takes."""
    what = f"{record.extra['depth']} frozen layers"
    return f"{what}: {record.step}/{record.steps} rows kept, {format.size(record.extra['bytes'])}"
