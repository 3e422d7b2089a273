"""Residual prompt tuning: the network learns at a pace that suits it."""

import pytest
import torch

from capotasto.methods.angular import angular
from capotasto.methods.residual import ResidualAdapter


@pytest.mark.parametrize(("size", "width"), [(0.02, 64), (0.14, 576), (1.0, 256)])
def test_a_step_moves_what_the_network_gives_about_as_far_as_a_vector(size: float, width: int) -> None:
    """One rate for all numbers would move it tens of times as far, because those of a row of weights move at once."""
    generator = torch.Generator().manual_seed(0)
    vectors, wish = size * torch.randn(1, width, generator=generator), torch.randn(1, width, generator=generator)
    moved = []
    for part in range(3):
        adapter = ResidualAdapter(vectors, name="one", fingerprint="any")
        with torch.no_grad():
            adapter.up.copy_(torch.randn(adapter.up.shape, generator=generator) / adapter.up.shape[1] ** 0.5)
        before = adapter.embeds().detach()
        parameters, share = adapter.groups()[part]
        (adapter.embeds() * wish).sum().backward()
        torch.optim.Adam(parameters, lr=share * angular(size)).step()
        moved.append(float((adapter.embeds().detach() - before).square().mean().sqrt()))
    for network in moved[1:]:
        assert 0.1 * moved[0] < network < 2 * moved[0]
