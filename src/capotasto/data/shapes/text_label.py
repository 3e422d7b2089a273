"""Texts with one of a few labels: the text is the user's turn, the label is the completion."""

from capotasto.data.column_names import LABEL, TEXT
from capotasto.data.rows import Row
from capotasto.data.shapes.cells import text
from capotasto.data.shapes.shape import Shape
from capotasto.types import Turn


def turns(row: Row, columns: dict[str, str]) -> tuple[Turn, ...]:
    """The text and its label, without the blanks around it: " spam" and "spam" are one class."""
    label = text(row, columns["label"]).strip()
    return Turn("user", text(row, columns["text"])), Turn("assistant", label, learn=True)


SHAPE = Shape(needs={"text": TEXT, "label": LABEL}, turns=turns, labelled=True)
