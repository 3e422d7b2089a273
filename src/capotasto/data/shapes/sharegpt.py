"""Dialogues as ShareGPT has them: `conversations` is a list of {from, value}."""

from capotasto.data.column_names import CONVERSATIONS, SYSTEM
from capotasto.data.rows import Row
from capotasto.data.shapes import dialogue
from capotasto.data.shapes.cells import optional_text
from capotasto.data.shapes.shape import Shape
from capotasto.types import Role, Turn

ROLES: dict[str, Role] = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
}


def turns(row: Row, columns: dict[str, str]) -> tuple[Turn, ...]:
    """The messages in order, behind what stands in the system column."""
    system = optional_text(row, columns.get("system"))
    said = dialogue.turns(row, columns["conversations"], "from", "value", ROLES)
    return (Turn("system", system), *said) if system.strip() else said


SHAPE = Shape(needs={"conversations": CONVERSATIONS}, optional={"system": SYSTEM}, turns=turns)
