"""Packed weights give the same products, only without gradients, and only as long as asked for."""

import copy

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from capotasto.packed import packed
from tests.tiny import ARCHITECTURES, tiny_base

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="oneDNN is not in this build of torch")


@pytest.mark.parametrize("rows", [1, 3, 8, 40])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_packed_logits_equal_plain_ones(architecture, rows):
    model = tiny_base(architecture, torch.float32).model
    ids = torch.randint(0, 200, (rows, 5), generator=torch.Generator().manual_seed(rows))
    with torch.no_grad():
        plain = model(ids).logits
        with packed(model):
            assert any("forward" in vars(module) for module in model.modules())
            torch.testing.assert_close(model(ids).logits, plain, rtol=1e-5, atol=1e-5)
        assert not any("forward" in vars(m) for m in model.modules() if isinstance(m, nn.Linear | Conv1D))


def test_gradients_still_flow_inside_the_block():
    layer = nn.Linear(6, 4).requires_grad_(False)
    x = torch.randn(2, 6, requires_grad=True)
    with packed(layer):
        (gradient,) = torch.autograd.grad(layer(x).sum(), x)
    torch.testing.assert_close(gradient, layer.weight.sum(0).expand(2, 6))


def test_an_error_inside_leaves_the_layers_as_they_were():
    layer = nn.Linear(6, 4)
    with pytest.raises(ZeroDivisionError), packed(layer):
        raise ZeroDivisionError
    assert "forward" not in vars(layer)


def test_the_inner_of_two_blocks_does_not_undo_the_outer():
    layer = nn.Linear(6, 4)
    with packed(layer):
        with packed(layer):
            pass
        assert "forward" in vars(layer)


def test_other_precisions_are_left_alone():
    layer = nn.Linear(6, 4, dtype=torch.float64)
    with packed(layer):
        assert "forward" not in vars(layer)


def test_a_copy_made_inside_the_block_reads_its_own_weight():
    layer, x = nn.Linear(4, 3), torch.randn(2, 4)
    with torch.no_grad(), packed(layer):
        twin = copy.deepcopy(layer)
        twin.weight.zero_()
        twin.bias.zero_()
        assert twin(x).abs().max() == 0
        torch.testing.assert_close(layer(x), nn.functional.linear(x, layer.weight, layer.bias))
