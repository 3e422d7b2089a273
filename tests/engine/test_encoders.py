"""Encoders on the one forward path: each row of a mixed batch is what transformers' own model makes of it alone."""

from contextlib import contextmanager

import pytest
import torch
from torch import Tensor
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from capotasto import forward
from capotasto.layout import Path, lay_out
from capotasto.session import Base
from capotasto.types import Encoded
from tests import reference
from tests.making import make_adapter, make_base
from tests.tiny import CONTEXT, ENCODERS, tiny_base

METHODS = ["prompt", "prefix", "lora", "bottleneck", "prompt+lora"]
HEADER = (1, 40, 41, 42, 43, 44, 45, 46, 47, 48)  # so long that a decoder's rows would share it
IDS = [(*HEADER, 7, 2), (*HEADER, 9, 8, 30, 31, 2), (1, 2), (*HEADER, 7, 2), (1, 55, 60, 2)]


@pytest.fixture(scope="module", params=ENCODERS)
def base(request: pytest.FixtureRequest) -> Base:
    return make_base(request.param)


@pytest.fixture(scope="module")
def model(base: Base) -> torch.nn.Module:
    """The same model as transformers made it."""
    return reference.plain(tiny_base(base.config.model_type, torch.float64).model)


def rows(slot: int = 0) -> list[Encoded]:
    return [Encoded(ids, (False,) * len(ids), slot) for ids in IDS]


def states_of(hidden: forward.Hidden, row: int) -> Tensor:
    return hidden.states[torch.as_tensor(hidden.layout.paths[row][hidden.ghosts[row] :])]


def alone(model: torch.nn.Module, row: Encoded, adapter) -> Tensor:
    """[P + T, H] states of one row by the model's own code: its own positions, its own attention, the obvious lines."""
    if adapter is None:
        return model(input_ids=torch.tensor([row.ids])).last_hidden_state[0]
    embeds = model.get_input_embeddings()(torch.tensor(row.ids))
    virtual, cache, given = adapter.embeds(), adapter.kv(), {}
    if virtual is not None:
        embeds = torch.cat([embeds[: row.slot], virtual, embeds[row.slot :]])
    if cache is not None:
        first = model.config.pad_token_id + 1 if model.config.model_type == "roberta" else 0
        given["position_ids"] = torch.arange(len(embeds))[None] + first + cache.shape[3]
    handles = [
        model.get_submodule(name).register_forward_hook(lambda _, x, out, delta=delta: out + delta(x[0], out))
        for name, delta in adapter.deltas().items()
    ]
    with prefixed(model, cache):
        out = model(inputs_embeds=embeds[None], **given)
    for handle in handles:
        handle.remove()
    return out.last_hidden_state[0]


@contextmanager
def prefixed(model, cache):
    """Inside the block attention is one plain line, with the prefix before each layer's keys and values."""
    layers = [module for module in model.modules() if type(module).__name__.endswith("SelfAttention")]

    def attend(module, query, key, value, mask, scaling, **_):
        if cache is not None:
            own = cache[layers.index(module)]
            key, value = torch.cat([own[0][None], key], 2), torch.cat([own[1][None], value], 2)
        return (torch.softmax(query @ key.mT * scaling, -1) @ value).transpose(1, 2), None

    ALL_ATTENTION_FUNCTIONS.register("naive", attend)
    model.config._attn_implementation = "naive"
    yield
    model.config._attn_implementation = "eager"


def test_a_bare_encoder_gives_transformers_own_states(base, model):
    hidden = forward.run(base, rows(), [None] * len(IDS))
    for i, row in enumerate(rows()):
        torch.testing.assert_close(states_of(hidden, i), alone(model, row, None), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("slot", [0, 1])
@pytest.mark.parametrize("method", METHODS)
def test_states_and_gradients_of_a_mixed_batch_equal_rows_alone(base, model, method, slot):
    one, other = (make_adapter(method, base, size, seed).double() for seed, size in enumerate((3, 5)))
    adapters = [one, one, other, None, one]
    hidden = forward.run(base, rows(slot), adapters)
    fast = [states_of(hidden, i) for i in range(len(IDS))]
    slow = [alone(model, row, adapter) for row, adapter in zip(rows(slot), adapters, strict=True)]
    for found, wanted in zip(fast, slow, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-10)
    parameters = [*one.parameters(), *other.parameters()]
    weights = [torch.randn(states.shape, generator=torch.Generator().manual_seed(i)) for i, states in enumerate(fast)]
    found, wanted = (
        torch.autograd.grad(sum((one * w).sum() for one, w in zip(states, weights, strict=True)), parameters)
        for states in (fast, slow)
    )
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-9)


def test_a_neighbour_that_computes_nan_is_not_seen(base):
    mine, broken = make_adapter("prompt", base), make_adapter("prompt", base, 9, seed=1)
    with torch.no_grad():
        broken.prompt_embeddings.fill_(float("nan"))
    wanted = states_of(forward.run(base, rows()[:1], [mine]), 0)
    for order in ([mine, broken, broken], [mine, None, broken]):
        torch.testing.assert_close(states_of(forward.run(base, rows()[:3], order), 0), wanted)


def test_rows_share_nothing_but_what_is_not_computed():
    paths = [Path((-1, -2, *range(5, 30)), 0, ghosts=2)] * 3
    layout = lay_out(paths, share=False)
    assert len(layout.ids) == 3 * 25
    assert layout.ghosts == [0]
    assert len(lay_out(paths).ids) == 25


def test_the_context_is_what_the_table_of_positions_holds(base):
    assert base.context == CONTEXT
    longest = Encoded((7,) * CONTEXT, (False,) * CONTEXT)
    assert bool(torch.isfinite(forward.run(base, [longest], [None]).states).all())
