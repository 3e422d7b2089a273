"""What is known of soft prompts holds no adapter that is used no more, and takes no more memory than it may."""

import gc
from weakref import ref

import torch

from capotasto.decoding.prompt_cache import PromptCache
from tests.decoding.making import make_row, shared_base
from tests.making import make_adapter


def make(number):
    return make_adapter("prompt", shared_base("llama"), 4, number, name=f"prompt-{number}")


def test_an_adapter_that_is_used_no_more_is_gone_with_its_prompt():
    cache, first = PromptCache(shared_base("llama"), 2**20), make(1)
    size = cache.of(make_row(1, first)).nbytes
    for number in range(2, 40):  # where the first one lay, others will
        other = make(number)
        cache.of(make_row(1, other))
    gone = ref(other)
    del other
    gc.collect()
    assert gone() is None
    kept = cache.of(make_row(1, first))
    last = make(40)
    found = cache.of(make_row(1, last))
    assert cache.bytes == 2 * size
    assert cache.of(make_row(2, first)) is kept
    torch.testing.assert_close(found, PromptCache(shared_base("llama"), 2**20).of(make_row(1, last)))


def test_those_used_longest_ago_make_room():
    one, two, three = make(1), make(2), make(3)
    size = PromptCache(shared_base("llama"), 2**20).of(make_row(1, one)).nbytes
    cache = PromptCache(shared_base("llama"), 2 * size)
    kept = [cache.of(make_row(1, adapter)) for adapter in (one, two, one, three)]
    assert kept[0] is kept[2] is cache.of(make_row(2, one))
    assert cache.of(make_row(2, two)) is not kept[1]
    assert cache.bytes == 2 * size
