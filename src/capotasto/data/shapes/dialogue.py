"""Turns out of a list of messages, as the chat formats have it."""

from capotasto.data.rows import Row, RowError
from capotasto.data.shapes.cells import as_text
from capotasto.types import Role, Turn


def turns(row: Row, column: str, speaker: str, content: str, roles: dict[str, Role]) -> tuple[Turn, ...]:
    """The dialogue in a cell; every assistant turn is learnt.

    speaker, content: the names under which a message has them; roles: speaker → role.
    What follows the last assistant turn is left out: nothing is learnt from it, and an example ends in what is learnt.
    """
    messages = row.values.get(column)
    if not messages:
        raise RowError(row.place, f"column {column!r} is empty", empty=True)
    if not isinstance(messages, list):
        found = type(messages).__name__
        raise RowError(row.place, f"column {column!r} holds a {found} where a list of messages is expected")
    said = [_turn(row.place, index, message, speaker, content, roles) for index, message in enumerate(messages, 1)]
    while said and not said[-1].learn:
        said.pop()
    if not said:
        raise RowError(row.place, f"column {column!r} has no assistant turn, so there is nothing to learn")
    return tuple(said)


def _turn(place: str, index: int, message: object, speaker: str, content: str, roles: dict[str, Role]) -> Turn:
    what = f"message {index}"
    if not isinstance(message, dict) or speaker not in message:
        raise RowError(place, f"{what} has no {speaker!r}; a message is {{{speaker!r}: ..., {content!r}: ...}}")
    role = roles.get(str(message[speaker]))
    if role is None:
        raise RowError(place, f"{what} has the unknown {speaker!r} {message[speaker]!r}; known: {', '.join(roles)}")
    text = as_text(message.get(content), place, f"{content!r} of {what}")
    if not text.strip():
        raise RowError(place, f"{what} ({message[speaker]}) is empty", empty=True)
    return Turn(role, text, learn=role == "assistant")
