"""The two consoles and the few forms in which things are printed."""

import json
from collections.abc import Iterable
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

# Texts of users and models are printed as they are: nothing in them is taken for markup.
out = Console(markup=False, highlight=False, emoji=False)
err = Console(markup=False, highlight=False, emoji=False, stderr=True)


def print_json(content: Any) -> None:
    """One JSON document on stdout."""
    out.file.write(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def heading(text: str) -> None:
    """A heading with an empty line before it."""
    out.print()
    out.print(Text(text, "bold"))


def table(*columns: str, title: str | None = None, numbers: bool = False) -> Table:
    """An empty table in the house style; `numbers` aligns all but the first column to the right. No cell is cut."""
    made = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for position, column in enumerate(columns):
        made.add_column(column, overflow="fold", justify="right" if numbers and position else "left")
    return made


def facts(pairs: Iterable[tuple[str, RenderableType]]) -> Table:
    """Labels on the left, what is known on the right; empty facts are left out."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="dim", overflow="fold")
    made.add_column(overflow="fold")
    for label, text in pairs:
        if text:
            made.add_row(label, text)
    return made


def side_by_side(texts: dict[str, str], title: str) -> Table:
    """Several answers to the same prompt: beside one another where there is room, else below one another."""
    shown = {name: text.strip() or "(nothing)" for name, text in texts.items()}
    if out.width // max(1, len(shown)) >= 28:
        wide = table(*shown, title=title)
        for column in wide.columns:
            column.ratio = 1
        wide.expand = True
        wide.add_row(*shown.values())
        return wide
    tall = table("", "", title=title)
    tall.show_header = False
    tall.show_lines = True
    for name, text in shown.items():
        tall.add_row(Text(name, "bold"), text)
    return tall
