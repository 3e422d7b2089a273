"""Cross-entropy in chunks equals the plain one, gradients included, in fp64."""

import math

import pytest
import torch
import torch.nn.functional as F

from capotasto import losses

VOCABULARY, HIDDEN = 50, 8


def head(cap: float | None = None, biased: bool = False) -> losses.Head:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(VOCABULARY, HIDDEN, generator=generator, dtype=torch.float64)
    bias = torch.randn(VOCABULARY, generator=generator, dtype=torch.float64) if biased else None
    return losses.Head(weight, bias, cap)


def naive(one: losses.Head, states: torch.Tensor) -> torch.Tensor:
    """[N, V] logits by the formula."""
    out = states @ one.weight.T + (0 if one.bias is None else one.bias)
    return out if one.softcap is None else one.softcap * torch.tanh(out / one.softcap)


@pytest.fixture
def states() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(37, HIDDEN, generator=generator, dtype=torch.float64).requires_grad_()


@pytest.fixture
def targets() -> torch.Tensor:
    return torch.randint(VOCABULARY, (37,), generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("cap", [None, 3.0])
@pytest.mark.parametrize("rows", [16, 17, 36, 37, 1000])
def test_chunks_of_any_size_equal_the_whole(
    states: torch.Tensor,
    targets: torch.Tensor,
    monkeypatch: pytest.MonkeyPatch,
    rows: int,
    cap: float | None,
    biased: bool,
) -> None:
    monkeypatch.setattr(losses, "CHUNK_BYTES", rows * 4 * VOCABULARY)
    one, seen, plain_logits = head(cap, biased), [], losses.Head.logits
    monkeypatch.setattr(losses.Head, "logits", lambda self, part: seen.append(len(part)) or plain_logits(self, part))
    weights = torch.linspace(-1, 2, 37, dtype=torch.float64)
    found = losses.token_losses(states, targets, one)
    (gradient,) = torch.autograd.grad((found * weights).sum(), states)
    plain = F.cross_entropy(naive(one, states), targets, reduction="none")
    (expected,) = torch.autograd.grad((plain * weights).sum(), states)
    torch.testing.assert_close(found, plain, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-12)
    assert len(seen) == math.ceil(37 / rows)


@pytest.mark.parametrize("learns", [False, True])
@pytest.mark.parametrize("cap", [None, 3.0])
def test_smoothed_targets_equal_the_plain_formula(
    states: torch.Tensor, targets: torch.Tensor, monkeypatch: pytest.MonkeyPatch, cap: float | None, learns: bool
) -> None:
    """Each target has a share of its own, as rows of different jobs have; some have none."""
    monkeypatch.setattr(losses, "CHUNK_BYTES", 17 * 4 * VOCABULARY)
    shares = torch.linspace(0, 0.6, 37, dtype=torch.float64)
    one = head(cap)
    layer = (lambda x: x @ one.weight.T) if learns else None
    found = losses.token_losses(states, targets, losses.Head(one.weight, None, cap, layer), shares)
    (gradient,) = torch.autograd.grad((found * (1 + shares)).sum(), states)
    logits = naive(one, states)
    plain = torch.stack(
        [F.cross_entropy(logits[i], targets[i], label_smoothing=float(share)) for i, share in enumerate(shares)]
    )
    (expected,) = torch.autograd.grad((plain * (1 + shares)).sum(), states)
    torch.testing.assert_close(found, plain, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(gradient, expected, rtol=1e-10, atol=1e-10)


def test_no_targets_are_no_losses(states: torch.Tensor) -> None:
    found = losses.token_losses(states[:0], torch.zeros(0, dtype=torch.long), head())
    assert found.shape == (0,)


def test_without_gradients_none_are_made(states: torch.Tensor, targets: torch.Tensor) -> None:
    with torch.no_grad():
        found = losses.token_losses(states, targets, head())
    assert not found.requires_grad
    torch.testing.assert_close(found, F.cross_entropy(naive(head(), states), targets, reduction="none").detach())


def test_only_supervised_tokens_pass_the_output_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows that reach the vocabulary are the learnt ones; a prompt's tokens cost no logits."""
    from capotasto.objectives import row_losses
    from tests.making import make_adapter, make_base, make_rows

    base = make_base("llama", torch.float32)
    rows = make_rows(base, 3)
    sizes, plain_logits = [], losses.Head.logits
    monkeypatch.setattr(losses.Head, "logits", lambda self, part: sizes.append(len(part)) or plain_logits(self, part))
    row_losses(base, rows, [make_adapter("prompt", base)] * 3)
    assert sum(sizes) == sum(sum(row.learn) for row in rows)
