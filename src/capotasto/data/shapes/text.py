"""Plain text to continue, outside any dialogue."""

from capotasto.data.column_names import TEXT
from capotasto.data.rows import Row
from capotasto.data.shapes import cells
from capotasto.data.shapes.shape import Shape
from capotasto.types import Turn


def turns(row: Row, columns: dict[str, str]) -> tuple[Turn, ...]:
    """One turn, all of it learnt."""
    return (Turn("text", cells.text(row, columns["text"]), learn=True),)


SHAPE = Shape(needs={"text": TEXT}, turns=turns)
