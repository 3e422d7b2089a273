"""Text as it comes equals the whole text, cut where a stop text is complete first."""

import random

import pytest

from capotasto.decoding.text import Text
from tests.tiny import tiny_tokenizer

TOKENIZER = tiny_tokenizer()
SAMPLES = ["a rain 🌧️ in the ñorth — 日本語, done.", "\n\n  the shore\n", "é", "one. two.. three... STOP four"]


def pieces(ids, stops=()):
    """What is given out with each token, and at the end."""
    text = Text(TOKENIZER, stops)
    given = []
    for token in ids:
        given.append(text.add(token))
        if text.stopped:
            return given, True
    return [*given, text.end()], False


def naive(whole, stops):
    """Character by character: the text before the first stop text that is complete."""
    for end in range(len(whole) + 1):
        found = [stop for stop in stops if whole[:end].endswith(stop)]
        if found:
            return whole[: end - max(map(len, found))], True
    return whole, False


@pytest.mark.parametrize("sample", SAMPLES)
def test_pieces_join_to_the_text_and_none_is_half_a_character(sample):
    given, _ = pieces(TOKENIZER(sample)["input_ids"])
    assert "".join(given) == sample
    assert not any("\ufffd" in piece for piece in given)


@pytest.mark.parametrize("seed", range(60))
def test_stop_texts_end_it_across_the_borders_of_tokens(seed):
    chance = random.Random(seed)
    whole = "".join(chance.choice("ab.é🌧") for _ in range(30))
    stops = ["".join(chance.choice("ab.é🌧") for _ in range(chance.randrange(1, 5))) for _ in range(3)]
    ids = [token for part in whole.partition(".") for token in TOKENIZER(part)["input_ids"]]
    given, stopped = pieces(ids, stops)
    assert ("".join(given), stopped) == naive(whole, stops)


def test_half_a_character_at_the_end_is_not_given_out():
    ids = TOKENIZER("ok 日")["input_ids"][:-1]
    assert "".join(pieces(ids)[0]) == "ok "


def test_special_tokens_are_text_only_where_asked_for():
    ids = [*TOKENIZER("sun")["input_ids"], TOKENIZER.eos_token_id]
    for plain, expected in ((True, "sun"), (False, "sun</s>")):
        text = Text(TOKENIZER, plain=plain)
        assert "".join(map(text.add, ids)) + text.end() == expected
