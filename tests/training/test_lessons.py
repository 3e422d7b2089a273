"""What training adds to the plain loss (weights, smoothing, noise), against a naive twin in fp64."""

import math
from dataclasses import replace
from itertools import islice

import pytest
import torch

from capotasto.objectives import row_losses
from capotasto.objectives.lesson import Lesson
from capotasto.objectives.noise import uniform
from capotasto.session import Base
from capotasto.training.job import Job
from capotasto.training.loop import train
from capotasto.training.resume import load_checkpoint, save_checkpoint
from capotasto.training.settings import TrainSettings
from capotasto.training.stop import EarlyStopping
from tests import reference
from tests.making import Watched, make_adapter, make_base, make_rows

SETTINGS = {
    "smoothing": {"label_smoothing": 0.2},
    "prompt": {"prompt_weight": 0.3},
    "noise": {"noise": 5.0},
    "all": {"label_smoothing": 0.1, "prompt_weight": 0.5, "noise": 3.0},
}
METHODS = ["prompt", "prefix", "lora", "full"]


@pytest.fixture(scope="module", params=["llama", "gemma2"])
def exact(request: pytest.FixtureRequest) -> Base:
    return make_base(request.param, torch.float64)


def job(base: Base, method: str = "prompt", seed: int = 0, name: str = "a", **settings: object) -> Watched:
    adapter = make_adapter(method, base, seed=seed)
    rows = [replace(row, weight=0.5 + i) for i, row in enumerate(make_rows(base, 6, seed, adapter))]
    chosen = TrainSettings(**{"batch_tokens": 90, "epochs": 2, "seed": seed, **settings})
    return Watched(name, adapter, rows, [], chosen, 0.01)


def loss_of_step(base: Base, one: Job) -> torch.Tensor:
    """The mean loss of the job's next step, row by row and token by token."""
    batch = [one.rows[i] for i in one.order.batches(0)[0]]
    lesson, model = one.lesson(batch), reference.untouched(base)
    longest, width = max(len(row.ids) for row in batch), base.embedding_size
    total, weights = torch.zeros((), dtype=torch.float64), 0.0
    for row in batch:
        noise = uniform(row.ids, width, lesson.seed) * one.settings.noise / math.sqrt(longest * width)
        parts, shares = reference.lesson_alone(
            model, row, one.adapter, noise, one.settings.prompt_weight, one.settings.label_smoothing
        )
        total, weights = total + row.weight * (parts * shares).sum(), weights + row.weight * float(shares.sum())
    return total / weights


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("chosen", SETTINGS)
def test_a_step_equals_the_naive_one(exact: Base, method: str, chosen: str) -> None:
    one, twin = (job(exact, method, **SETTINGS[chosen]) for _ in range(2))
    expected = loss_of_step(exact, twin)
    gradients = torch.autograd.grad(expected, list(twin.adapter.parameters()))
    record = next(iter(train(exact, [one], micro_tokens=40)))
    assert record.loss == pytest.approx(expected.item(), rel=1e-6)  # transformers computes some norms in fp32
    for found, wanted in zip(one.gradients, gradients, strict=True):
        torch.testing.assert_close(found, wanted.to(found.dtype), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("chosen", SETTINGS)
def test_every_setting_changes_what_is_learnt(base: Base, chosen: str) -> None:
    plain, other = job(base), job(base, **SETTINGS[chosen])
    next(iter(train(base, [plain])))
    next(iter(train(base, [other])))
    assert any(bool((one != two).any()) for one, two in zip(plain.gradients, other.gradients, strict=True))


def test_left_at_their_defaults_they_change_no_bit(base: Base) -> None:
    rows = make_rows(base, 4)
    adapters = [make_adapter("prompt", base)] * 4
    plain, counts = row_losses(base, rows, adapters)
    taught, _ = row_losses(base, rows, adapters, [Lesson(seed=7)] * 4)
    assert torch.equal(plain, taught)
    assert [Lesson().total(row) for row in rows] == counts


def test_noise_is_the_same_alone_together_and_after_a_stop(base: Base, tmp_path) -> None:
    alone, together = job(base, noise=5.0), job(base, noise=5.0)
    other = job(base, "lora", seed=3, name="b", noise=2.0)
    list(train(base, [alone], micro_tokens=1024))
    list(train(base, [together, other], micro_tokens=50))
    for one, two in zip(alone.adapter.parameters(), together.adapter.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-4)
    whole, stopped, rest = (job(base, noise=5.0) for _ in range(3))
    list(train(base, [whole]))
    list(islice(train(base, [stopped]), 2))
    save_checkpoint(tmp_path, stopped, EarlyStopping(stopped), "x", 0)
    load_checkpoint(tmp_path, rest, EarlyStopping(rest), "x")
    list(train(base, [rest]))
    assert all(torch.equal(a, b) for a, b in zip(whole.adapter.parameters(), rest.adapter.parameters(), strict=True))


def test_noise_is_even_and_follows_the_text() -> None:
    drawn = uniform(range(400), 64, 3)
    assert drawn.abs().max() <= 1
    assert float(drawn.mean()) == pytest.approx(0, abs=0.02)
    assert float(drawn.square().mean()) == pytest.approx(1 / 3, abs=0.01)
    assert abs(float(torch.corrcoef(drawn[:2])[0, 1])) < 0.5
    one, other = uniform([5, 6, 7], 8, 3), uniform([5, 6, 9, 7], 8, 3)
    assert torch.equal(one[:2], other[:2])
    assert not torch.equal(one[2], other[2])
    assert not torch.equal(one[2], other[3])
    assert not torch.equal(one, uniform([5, 6, 7], 8, 4))
