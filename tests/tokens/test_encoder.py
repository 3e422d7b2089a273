"""Rows of an encoder: what the tokenizer itself would make of the text, cut on the right."""

import pytest
from tokenizers import processors
from transformers import PreTrainedTokenizerFast

from capotasto.errors import DataError
from capotasto.session import Base
from capotasto.tokens.encoder import renderer_of
from capotasto.types import Example, Turn
from tests.making import make_base
from tests.tiny import tiny_encoder_tokenizer

TEXT = "the rain in the north and the sun on the shore"
TURNS = [Turn("user", TEXT)]


@pytest.fixture(scope="module")
def base() -> Base:
    return make_base("bert")


def test_a_text_stands_between_the_tokenizers_own_tokens(base: Base) -> None:
    row = renderer_of(base, "front", 100).prompt(TURNS)
    assert list(row.ids) == base.tokenizer(TEXT)["input_ids"]
    assert (row.ids[0], row.ids[-1], row.slot, row.cut) == (1, 2, 0, 0)
    assert not any(row.learn)


@pytest.mark.parametrize(("placement", "slot"), [("front", 0), ("after_bos", 1)])
@pytest.mark.parametrize("length", [3, 7, 12])
def test_what_is_too_long_loses_its_right(base: Base, placement: str, slot: int, length: int) -> None:
    row = renderer_of(base, placement, length).prompt(TURNS)
    whole = base.tokenizer(TEXT)["input_ids"]
    assert row.ids == (*whole[: length - 1], whole[-1])
    assert list(row.ids) == base.tokenizer(TEXT, truncation=True, max_length=length)["input_ids"]
    assert (row.slot, row.cut) == (slot, len(whole) - length)


def test_two_tokens_at_the_end_are_kept_too() -> None:
    tokenizer = tiny_encoder_tokenizer()
    backend = tokenizer._tokenizer
    backend.post_processor = processors.TemplateProcessing("<s> $A </s> </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    base = make_base("roberta")
    object.__setattr__(base, "tokenizer", PreTrainedTokenizerFast(tokenizer_object=backend, cls_token="<s>"))
    assert renderer_of(base, "front", 9).prompt(TURNS).ids[-2:] == (2, 2)


def test_text_to_be_written_is_refused_in_one_line(base: Base) -> None:
    with pytest.raises(DataError) as caught:
        base.renderer().encode(Example((*TURNS, Turn("assistant", "yes", learn=True)), place="rows.csv:3"))
    message = str(caught.value)
    assert message.startswith("rows.csv:3 has no label to choose, and an encoder writes nothing; choose a decoder base")
    assert "--map label=COLUMN" in message
    assert "\n" not in message
