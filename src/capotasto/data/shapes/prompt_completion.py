"""Pairs of a prompt and its completion. Of a list of completions (several references) the first is learnt."""

from capotasto.data.column_names import COMPLETION, PROMPT, TEXT
from capotasto.data.rows import Row
from capotasto.data.shapes.cells import first_text, text
from capotasto.data.shapes.shape import Shape
from capotasto.types import Turn


def turns(row: Row, columns: dict[str, str]) -> tuple[Turn, ...]:
    """The user's turn and the answer."""
    prompt = text(row, columns["prompt"])
    return Turn("user", prompt), Turn("assistant", first_text(row, columns["completion"]), learn=True)


SHAPE = Shape(needs={"prompt": (*PROMPT, *TEXT), "completion": COMPLETION}, turns=turns)
