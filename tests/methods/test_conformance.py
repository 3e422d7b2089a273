"""What every method promises, on every kind of architecture. A line in `METHODS` enrols a method here."""

from itertools import islice
from pathlib import Path

import pytest
import torch

from capotasto.evaluate.questions import held_out_loss
from capotasto.methods import METHODS
from capotasto.session import Base
from capotasto.training.job import Job
from capotasto.training.loop import train
from capotasto.training.resume import load_checkpoint, save_checkpoint
from capotasto.training.settings import TrainSettings
from capotasto.training.stop import EarlyStopping
from tests import reference
from tests.making import Watched, logits_of, make_adapter, make_base, make_rows
from tests.tiny import tiny_base

ARCHITECTURES = ("llama", "gpt2", "bloom", "gemma")
LR = 0.01


@pytest.fixture(scope="module", params=ARCHITECTURES)
def exact(request: pytest.FixtureRequest) -> Base:
    """In fp64, to compare with what the plain model does."""
    return make_base(request.param, torch.float64)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def base(request: pytest.FixtureRequest) -> Base:
    """In fp32, to train as users do."""
    return make_base(request.param, torch.float32)


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    return request.param


def make_job(method: str, base: Base, rows: int = 8, **settings: object) -> Watched:
    chosen = TrainSettings(**{"batch_tokens": 120, "epochs": 3, "patience": 9, **settings})
    adapter = make_adapter(method, base)
    held_out = make_rows(base, 3, 9, adapter)
    return Watched("a", adapter, make_rows(base, rows, 0, adapter), held_out, chosen, LR)


def steps(base: Base, job: Job, count: int, micro_tokens: int = 1024) -> None:
    list(islice(train(base, [job], micro_tokens), count))


def learnt(job: Job) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in job.adapter.parameters()]


def test_only_the_adapter_is_learnt_and_all_of_it(base: Base, method: str) -> None:
    job = make_job(method, base)
    frozen = {name: tensor.clone() for name, tensor in base.model.state_dict().items()}
    start = learnt(job)
    steps(base, job, 3)
    assert all(torch.equal(tensor, frozen[name]) for name, tensor in base.model.state_dict().items())
    assert not any(parameter.grad is not None for parameter in base.model.parameters())
    assert all(bool((now != before).any()) for now, before in zip(learnt(job), start, strict=True))


def test_looking_before_training_changes_nothing(base: Base, method: str) -> None:
    plain, looked = make_job(method, base), make_job(method, base)
    held_out_loss(base, looked.held_out, looked.adapter)
    base.generate(["the rain"], [looked.adapter], max_new_tokens=3)
    steps(base, plain, 3)
    steps(base, looked, 3)
    assert all(torch.equal(one, other) for one, other in zip(learnt(plain), learnt(looked), strict=True))


def test_a_mixed_batch_equals_its_rows_alone(exact: Base, method: str) -> None:
    adapters = [make_adapter(method, exact, size, seed) for seed, size in enumerate((3, 7, 1))]
    chosen = [adapters[0], None, adapters[1], adapters[0], adapters[2], None]
    rows = make_rows(exact, len(chosen), adapter=adapters[0] if adapters[0].tasked else None)
    together = logits_of(exact, rows, chosen)
    for row, adapter, found in zip(rows, chosen, together, strict=True):
        torch.testing.assert_close(found, logits_of(exact, [row], [adapter])[0], rtol=0, atol=1e-9)


def test_a_row_does_not_see_its_neighbours(exact: Base, method: str) -> None:
    """Shorter, longer, before, behind, and even one that computes nothing but NaN. (A head changes no logits.)"""
    rows = sorted(make_rows(exact, 6), key=lambda row: len(row.ids))
    mine, broken = make_adapter(method, exact), make_adapter(method, exact, seed=1)
    with torch.no_grad():
        for parameter in broken.parameters():
            parameter.fill_(float("nan"))
    alone = logits_of(exact, [rows[0]], [mine])[0]
    for neighbours in ([rows[0], *rows[1:]], [*rows[1:], rows[0]]):
        place = neighbours.index(rows[0])
        adapters = [mine if i == place else broken for i in range(len(rows))]
        torch.testing.assert_close(logits_of(exact, neighbours, adapters)[place], alone, rtol=0, atol=1e-9)


def test_one_part_or_many_give_the_same_gradients(exact: Base, method: str) -> None:
    """Tokens are counted, not batches: a batch in one part, row by row, and the obvious sum agree."""
    whole, parts = (make_job(method, exact, rows=4, batch_tokens=10_000) for _ in range(2))
    assert len({len(row.ids) for row in whole.rows}) > 1, "rows of unequal length"
    steps(exact, whole, 1, micro_tokens=10_000)
    steps(exact, parts, 1, micro_tokens=1)

    model = reference.untouched(tiny_base(exact.config.model_type, torch.float64))
    naive = make_adapter(method, exact)
    total = sum(reference.loss_alone(model, row, naive) for row in whole.rows)
    (total / sum(row.learnt for row in whole.rows)).backward()
    for one, other, plain in zip(whole.gradients, parts.gradients, naive.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)
        torch.testing.assert_close(one, plain.grad, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_stopping_and_going_on_equals_not_stopping(base: Base, method: str, tmp_path: Path, share: float) -> None:
    """At the first step, in the middle of an epoch, and at the last step before the end."""
    whole = make_job(method, base)
    uninterrupted = [(record.kind, record.step, record.loss) for record in train(base, [whole])]

    first = make_job(method, base)
    seen, stopping = [], EarlyStopping(first)
    for record in train(base, [first]):
        stopping.see(record)
        seen.append((record.kind, record.step, record.loss))
        if record.step == 1 + round(share * (first.steps - 2)):
            break
    save_checkpoint(tmp_path, first, stopping, "identity", log_bytes=7)

    second = make_job(method, base)
    assert load_checkpoint(tmp_path, second, EarlyStopping(second), "identity") == 7
    seen += [(record.kind, record.step, record.loss) for record in train(base, [second])]
    assert seen == uninterrupted
    assert all(torch.equal(one, other) for one, other in zip(learnt(second), learnt(whole), strict=True))
    assert second.stopped == whole.stopped == "all epochs done"


def test_size_counts_what_is_learnt(base: Base, method: str) -> None:
    adapter = make_adapter(method, base)
    assert adapter.size() == sum(parameter.numel() for parameter in adapter.parameters()) > 0
