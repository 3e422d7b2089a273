"""Every clever path of the engine equals its naive twin, in fp64, for every architecture."""

import random

import pytest
import torch

from capotasto.methods.prompt import PromptAdapter
from capotasto.objectives import row_losses
from capotasto.types import Encoded
from tests import reference

MIXES = {
    "all the same": [0] * 6,
    "all different": [0, 1, 2, 3, None, 4],
    "skewed": [0, 0, 0, None, 1, 0],
    "bare": [None] * 6,
}


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """Models take norms and softmax in fp32 whatever their dtype; here fp32 means fp64, so that nothing is hidden."""
    monkeypatch.setattr(torch, "float32", torch.float64)
    monkeypatch.setattr(torch, "float", torch.float64)
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)


def make_prompts(base, count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    sizes = [5, 1, 9, 3, 20][:count]
    return [
        PromptAdapter(
            0.3 * torch.randn(size, base.embedding_size, generator=generator, dtype=torch.float64),
            name=f"a{i}", fingerprint=base.fingerprint, placement="front", start={},
        )
        for i, size in enumerate(sizes)
    ]  # fmt: skip


def make_rows(count, seed=0, slot=0):
    """Ragged rows; some begin alike, two are equal, some learn from the first token on."""
    chance = random.Random(seed)
    header = [chance.randrange(5, 290) for _ in range(12)]
    rows = []
    for i in range(count):
        own = [chance.randrange(5, 290) for _ in range(chance.randrange(2, 20))]
        ids = header[: [0, 12, 12, 1, 12, 6][i % 6]] + own
        learn = [i % 2 == 0 or chance.random() < 0.5 for _ in ids]
        rows.append(Encoded(tuple(ids), tuple(learn), min(slot, len(ids))))
    rows[-1] = rows[1]
    return rows


@pytest.mark.parametrize("slot", [0, 1, 4])
@pytest.mark.parametrize("mix", MIXES)
def test_mixed_batch_equals_rows_alone(pair, mix, slot):
    base, model = pair
    prompts = make_prompts(base, 5)
    adapters = [None if i is None else prompts[i] for i in MIXES[mix]]
    rows = make_rows(len(adapters), slot=slot)
    weights = torch.arange(1.0, len(rows) + 1, dtype=torch.float64)

    sums, counts = row_losses(base, rows, adapters)
    if any(adapters):
        (sums * weights).sum().backward()
    fast = {p.name: p.prompt_embeddings.grad for p in prompts}
    for prompt in prompts:
        prompt.prompt_embeddings.grad = None

    slow = torch.stack([reference.loss_alone(model, row, adapter) for row, adapter in zip(rows, adapters, strict=True)])
    if any(adapters):
        (slow * weights).sum().backward()
    torch.testing.assert_close(sums, slow, rtol=1e-10, atol=1e-10)
    for prompt in prompts:
        torch.testing.assert_close(fast[prompt.name], prompt.prompt_embeddings.grad, rtol=1e-8, atol=1e-9)
    virtual = [0 if adapter is None else len(adapter.embeds()) for adapter in adapters]
    starts = [bool(row.learn[0]) and (v == 0 or row.slot > 0) for row, v in zip(rows, virtual, strict=True)]
    assert counts == [sum(row.learn) - start for row, start in zip(rows, starts, strict=True)]
