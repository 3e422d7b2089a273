"""What is known of soft prompts holds no adapter that is used no more, and takes no more memory than it may."""

import gc
from weakref import ref

import torch

from capotasto.decoding.prefill import Filling, prefill
from capotasto.decoding.prompt_cache import PromptCache
from capotasto.promotion import cache_of
from capotasto.types import Encoded
from tests.decoding.making import make_row, shared_base
from tests.making import make_adapter


def make(number):
    return make_adapter("prompt", shared_base("llama"), 4, number, name=f"prompt-{number}")


def ask(cache, row):
    """What is known of its prompt, after the row has been computed."""
    if cache.of(row) is None:
        cache.learn(row, prefill(shared_base("llama"), [Filling(row)]).cache, 0)
    return cache.of(row)


def test_what_a_row_leaves_is_what_its_prompt_has_by_itself():
    adapter = make(1)
    found = ask(PromptCache(2**20), make_row(1, adapter))
    torch.testing.assert_close(found, cache_of(shared_base("llama"), Encoded((), ()), adapter))


def test_rows_whose_tokens_decide_about_the_prompt_leave_nothing():
    cache = PromptCache(2**20)
    assert ask(cache, make_row(1, None)) is None
    behind = make_row(1, make(1))
    behind.prompt = Encoded(behind.prompt.ids, behind.prompt.learn, 1)
    assert ask(cache, behind) is None
    assert cache.bytes == 0


def test_an_adapter_that_is_used_no_more_is_gone_with_its_prompt():
    cache, first = PromptCache(2**20), make(1)
    size = ask(cache, make_row(1, first)).nbytes
    for number in range(2, 40):  # where the first one lay, others will
        other = make(number)
        ask(cache, make_row(1, other))
    gone = ref(other)
    del other
    gc.collect()
    assert gone() is None
    kept = cache.of(make_row(1, first))
    last = make(40)
    found = ask(cache, make_row(1, last))
    assert cache.bytes == 2 * size
    assert cache.of(make_row(2, first)) is kept
    torch.testing.assert_close(found, ask(PromptCache(2**20), make_row(1, last)))


def test_those_used_longest_ago_make_room():
    one, two, three = make(1), make(2), make(3)
    size = ask(PromptCache(2**20), make_row(1, one)).nbytes
    cache = PromptCache(2 * size)
    kept = [ask(cache, make_row(1, adapter)) for adapter in (one, two, one, three)]
    assert kept[0] is kept[2] is cache.of(make_row(2, one))
    assert cache.of(make_row(2, two)) is None
    assert cache.bytes == 2 * size
    assert ask(PromptCache(size - 1), make_row(1, one)) is None
