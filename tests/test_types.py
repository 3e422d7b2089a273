"""What follows from the fields of an example."""

import pytest

from capotasto.types import Example, Turn


def test_a_dialogue_asks_with_all_before_its_last_turn() -> None:
    turns = (Turn("system", "be brief"), Turn("user", "a b c d"), Turn("assistant", "e f", learn=True))
    assert Example(turns).asked(2) == turns[:-1]


@pytest.mark.parametrize(
    ("text", "parts", "asked"),
    [("a b c d e f", 2, "a b c"), ("a b c d e f", 3, "a b"), ("a b c d e", 3, "a"), ("a b", 3, "a"), ("ab", 2, "ab")],
)
def test_a_plain_text_asks_with_its_first_words(text: str, parts: int, asked: str) -> None:
    assert Example((Turn("text", text, learn=True),)).asked(parts) == (Turn("text", asked),)
