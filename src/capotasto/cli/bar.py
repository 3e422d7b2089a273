"""One bar on stderr with a text behind it; nothing where stderr is no terminal."""

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from capotasto.cli.terminal import err

WIDTH = 12  # characters
SEPARATOR = " · "


class Bar:
    """Use it as `with Bar() as bar: …`; who inherits says what is seen."""

    def __init__(self, console: Console = err):
        self.console = console
        self.bars = Progress(
            SpinnerColumn(),
            BarColumn(WIDTH),
            TextColumn("{task.fields[text]}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self.task = self.bars.add_task("", total=None, text="preparing")

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self.bars.stop()
