"""The norm with its own backward equals the architecture's, value and gradient, and other norms are left alone."""

import pytest
import torch
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.qwen2.modeling_qwen2 import Qwen2RMSNorm

from capotasto.norm import lighten


def _norm(kind, dtype=torch.float64):
    norm = kind(24).to(dtype).requires_grad_(False)
    norm.weight.copy_(torch.linspace(0.5, 2, 24))
    return norm


@pytest.mark.parametrize("kind", [LlamaRMSNorm, Qwen2RMSNorm])
def test_equals_the_architectures_own(kind):
    x = torch.randn(2, 5, 24, dtype=torch.float64, requires_grad=True)
    gradient = torch.randn(2, 5, 24, dtype=torch.float64)
    norm = _norm(kind)
    wide = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + norm.variance_epsilon) * norm.weight
    (expected,) = torch.autograd.grad(wide, x, gradient)
    lighten(norm)
    assert "forward" in vars(norm)
    out = norm(x)
    torch.testing.assert_close(out, wide, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(torch.autograd.grad(out, x, gradient)[0], expected, rtol=1e-11, atol=1e-11)
    with torch.no_grad():
        torch.testing.assert_close(norm(x), wide, rtol=1e-12, atol=1e-12)


def test_another_formula_of_the_same_name_is_left_alone():
    norm = _norm(GemmaRMSNorm)
    lighten(norm)
    assert "forward" not in vars(norm)


def test_a_weight_that_learns_gets_its_gradient():
    norm = _norm(LlamaRMSNorm, torch.float32)
    lighten(norm)
    norm.requires_grad_(True)
    norm(torch.randn(3, 24)).sum().backward()
    assert norm.weight.grad is not None
