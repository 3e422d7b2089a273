"""Rows with more before their answer: other dialogues, or a text before the question."""

from collections.abc import Sequence
from dataclasses import replace

from capotasto.types import Example, Turn


def after_dialogues(example: Example, shots: Sequence[Example]) -> Example:
    """The row behind other rows with their answers, as earlier turns of one dialogue. System turns stay first."""
    system = [turn for turn in example.turns if turn.role == "system"]
    rest = [turn for turn in example.turns if turn.role != "system"]
    before = [replace(turn, learn=False) for shot in shots for turn in shot.turns if turn.role != "system"]
    return replace(example, turns=(*system, *before, *rest))


def after_text(example: Example, text: str) -> Example:
    """The row with a text before the words of its last question. Not a system turn: not every template takes one."""
    turns = list(example.turns)
    place = max(number for number, turn in enumerate(turns[:-1]) if turn.role == "user")
    turns[place] = Turn("user", f"{text}\n\n{turns[place].content}")
    return replace(example, turns=tuple(turns))
