"""Dialogues as OpenAI's chat format has them: `messages` is a list of {role, content}.

https://platform.openai.com/docs/api-reference/chat
"""

from capotasto.data.column_names import MESSAGES
from capotasto.data.rows import Row
from capotasto.data.shapes import dialogue
from capotasto.data.shapes.shape import Shape
from capotasto.types import Role, Turn

ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}


def turns(row: Row, columns: dict[str, str]) -> tuple[Turn, ...]:
    """The messages in order."""
    return dialogue.turns(row, columns["messages"], "role", "content", ROLES)


SHAPE = Shape(needs={"messages": MESSAGES}, turns=turns)
