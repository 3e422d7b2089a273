"""Bottlenecks against AdapterHub's definition of DoubleSeqBn and SeqBn, written down again for a pre-norm decoder."""

import pytest
import torch
import torch.nn.functional as F

from tests import reference
from tests.making import logits_of, make_adapter, make_base, make_rows
from tests.tiny import tiny_base

PARTS = ("down", "a", "up", "b")


def network(adapter, name, activation):
    """What AdapterHub's layer adds: Linear, non-linearity, Linear."""
    down, a, up, b = (dict(adapter.tensors())[f"{name}.{part}"] for part in PARTS)
    return lambda hidden: F.linear(activation(F.linear(hidden, down, a)), up, b)


@pytest.mark.parametrize(("sites", "activation"), [("houlsby", F.silu), ("pfeiffer", F.relu)])
def test_it_stands_where_adapterhub_puts_it(sites, activation):
    """DoubleSeqBn: after attention and after feed-forward, before the residual is added; SeqBn: the latter only."""
    base = make_base("llama")
    adapter, row = make_adapter("bottleneck", base, sites=sites, reduction=4), make_rows(base, 1)[0]
    model = reference.untouched(tiny_base("llama"))
    for i, layer in enumerate(model.model.layers):
        after = network(adapter, f"model.layers.{i}.mlp.down_proj", activation)
        layer.mlp.register_forward_hook(lambda _, given, out, add=after: out + add(out))
        if sites == "houlsby":
            within = network(adapter, f"model.layers.{i}.self_attn.o_proj", activation)
            layer.self_attn.register_forward_hook(lambda _, given, out, add=within: (out[0] + add(out[0]), *out[1:]))
    with torch.no_grad():
        wanted = model(input_ids=torch.tensor([row.ids])).logits[0]
    torch.testing.assert_close(logits_of(base, [row], [adapter])[0], wanted, rtol=0, atol=1e-5)
    assert len(adapter.names) == (4 if sites == "houlsby" else 2)


def test_only_the_layers_asked_for_have_one():
    base = make_base("llama")
    adapter = make_adapter("bottleneck", base, sites="houlsby", layers="1")
    assert adapter.names == ["model.layers.1.self_attn.o_proj", "model.layers.1.mlp.down_proj"]
