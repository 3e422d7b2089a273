"""Text as it comes equals the whole text, cut where a stop text is complete first."""

import random

import pytest

from capotasto.base.frozen import FrozenBase
from capotasto.decoding.row import Row
from capotasto.decoding.settings import GenerateSettings
from capotasto.decoding.stream import generate
from capotasto.decoding.text import Text, TokenReader
from capotasto.session import Base
from capotasto.types import Turn
from tests.tiny import tiny_metaspace_tokenizer, tiny_model, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
METASPACE = tiny_metaspace_tokenizer()
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


@pytest.mark.parametrize("tokenizer", [TOKENIZER, METASPACE], ids=["byte-level", "metaspace"])
@pytest.mark.parametrize("sample", [*SAMPLES, "the rain in the north", "the  sun"])
def test_what_goes_on_a_text_joins_to_it_wherever_it_begins(tokenizer, sample):
    ids = tokenizer(sample)["input_ids"]
    whole = tokenizer.decode(ids, skip_special_tokens=True)
    for place in range(1, len(ids)):
        before = tokenizer.decode(ids[:place], skip_special_tokens=True)
        if "\ufffd" not in before:
            text = Text(tokenizer, after=ids[:place])
            given = [*map(text.add, ids[place:]), text.end()]
            assert before + "".join(given) == whole
            assert not any("\ufffd" in piece for piece in given)


def test_an_answer_begins_with_no_space_and_a_continuation_with_its_own():
    base = Base.over(FrozenBase.from_parts(tiny_model("llama"), METASPACE))
    space = METASPACE.convert_tokens_to_ids("▁the")
    for turn, expected in ((Turn("text", "the rain"), " the"), (Turn("user", "the rain"), "the")):
        row = Row(base.renderer().prompt([turn]), None, GenerateSettings())
        assert Text.of(METASPACE, row).add(space) == expected
    assert Text.of(METASPACE, Row(base.renderer().given([1]), None, GenerateSettings())).add(space) == "the"


def test_generating_goes_on_a_text_as_it_stands():
    base = Base.over(FrozenBase.from_parts(tiny_model("llama"), METASPACE))
    prompt = base.renderer().prompt([Turn("text", "the rain in")])
    written = generate(base, [prompt], [None], GenerateSettings(max_new_tokens=8))[0]
    answer = base.generate(["the rain in"], chat=False, max_new_tokens=8)[0]
    whole = METASPACE.decode([*prompt.ids, *written], skip_special_tokens=True)
    assert whole.removesuffix("\ufffd") == "the rain in" + answer


@pytest.mark.parametrize("tokenizer", [TOKENIZER, METASPACE], ids=["byte-level", "metaspace"])
def test_tokens_one_by_one_keep_their_spaces(tokenizer):
    reader = TokenReader(tokenizer)
    ids = tokenizer("the rain in the north", add_special_tokens=False)["input_ids"]
    assert "".join(map(reader.text, ids)).removeprefix(" ") == "the rain in the north"
    assert reader.text(tokenizer.eos_token_id) == "</s>"
    assert set(reader.text(tokenizer("é", add_special_tokens=False)["input_ids"][-1])) == {"\ufffd"}
