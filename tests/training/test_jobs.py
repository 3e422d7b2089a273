"""Jobs trained together: each gives the adapter it would give alone, and none can hurt another."""

from collections.abc import Callable

import pytest
import torch

from capotasto.session import Base
from capotasto.training.job import Job
from capotasto.training.loop import train
from capotasto.training.settings import TrainSettings
from capotasto.training.stop import EarlyStopping
from capotasto.types import StepRecord
from tests.making import make_adapter, make_base, make_rows


@pytest.fixture(scope="module", params=["llama", "bloom"])
def base(request: pytest.FixtureRequest) -> Base:
    return make_base(request.param, torch.float32)


def job(base: Base, number: int, rows: int, held_out: int = 0, lr: float = 0.01, **settings: int) -> Job:
    adapter = make_adapter("prompt", base, size=2 + 3 * number, seed=number)
    kept = make_rows(base, held_out, seed=50 + number)
    return Job(str(number), adapter, make_rows(base, rows, seed=number), kept, TrainSettings(**settings), lr)


# Rows, batch sizes, lengths, epochs and learning rates all differ.
MAKERS: dict[str, Callable[[Base], Job]] = {
    "small": lambda base: job(base, 0, rows=6, batch_tokens=40, epochs=2),
    "large": lambda base: job(base, 1, rows=12, held_out=4, lr=0.03, batch_tokens=150, epochs=3, seed=4),
    "long": lambda base: job(base, 2, rows=5, held_out=2, lr=0.002, batch_tokens=60, epochs=6, patience=99, looks=2),
}


def run(base: Base, jobs: list[Job]) -> dict[str, list[StepRecord]]:
    records: dict[str, list[StepRecord]] = {one.name: [] for one in jobs}
    for record in train(base, jobs):
        records[record.job].append(record)
    return records


@pytest.mark.parametrize("names", [["small", "large"], ["long", "small", "large"]])
def test_together_gives_what_each_gives_alone(base: Base, names: list[str]) -> None:
    together = [MAKERS[name](base) for name in names]
    mixed = run(base, together)
    assert len({one.step for one in together}) == len(names), "they end at different times"
    for name, one in zip(names, together, strict=True):
        alone = MAKERS[name](base)
        single = run(base, [alone])[alone.name]
        torch.testing.assert_close(one.adapter.prompt_embeddings, alone.adapter.prompt_embeddings, rtol=1e-3, atol=1e-4)
        assert [record.loss for record in mixed[one.name]] == pytest.approx(
            [record.loss for record in single], rel=1e-4
        )
        for key in ("kind", "step", "steps", "epoch", "tokens", "learnt", "learning_rate"):
            assert [getattr(r, key) for r in mixed[one.name]] == [getattr(r, key) for r in single], key


def test_a_job_that_fails_leaves_the_others_as_they_are(base: Base) -> None:
    """Its numbers become NaN in the same batch; it takes no step, and the other one's every loss stays what it was."""
    alone, healthy, sick = MAKERS["small"](base), MAKERS["small"](base), MAKERS["large"](base)
    with torch.no_grad():
        sick.adapter.prompt_embeddings.fill_(float("nan"))
    single = run(base, [alone])["0"]
    mixed = run(base, [healthy, sick])
    assert [record.loss for record in mixed["0"]] == pytest.approx([record.loss for record in single], rel=1e-5)
    assert mixed["1"] == []
    assert (sick.failed, sick.step, healthy.failed) == (True, 0, False)
    assert "nan at step 1" in sick.stopped or "nan" in sick.stopped


def test_a_gradient_that_is_no_number_is_no_step(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss may still be finite; the step would spoil the last good vectors."""
    one = MAKERS["small"](base)
    start = one.adapter.prompt_embeddings.detach().clone()
    one.adapter.prompt_embeddings.register_hook(lambda gradient: gradient * float("inf"))
    assert run(base, [one])["0"] == []
    assert one.failed
    assert torch.equal(one.adapter.prompt_embeddings, start)


def test_a_job_stopped_by_hand_takes_no_further_step(base: Base) -> None:
    one, other = MAKERS["small"](base), MAKERS["large"](base)
    for record in train(base, [one, other]):
        if record.job == one.name and record.step == 2:
            one.stop("by hand")
    assert (one.step, one.stopped, one.failed) == (2, "by hand", False)
    assert other.step == other.steps


def test_early_stopping_keeps_the_best_look(base: Base) -> None:
    one = job(base, 3, rows=3, held_out=6, lr=0.3, batch_tokens=40, epochs=60, patience=2)
    stopping, looks, vectors = EarlyStopping(one), [], {}
    for record in train(base, [one]):
        stopping.see(record)
        if record.kind == "held_out":
            looks.append(record.loss)
            vectors[record.step] = one.adapter.prompt_embeddings.detach().clone()
    assert one.stopped == "no better held-out loss in 2 looks"
    assert one.step < one.steps
    assert min(looks) not in looks[-2:]
    stopping.restore()
    assert stopping.best_loss == min(looks)
    assert torch.equal(one.adapter.prompt_embeddings, vectors[stopping.best_step])


def test_records_count_tokens_and_looks(base: Base) -> None:
    one = MAKERS["long"](base)
    records = run(base, [one])[one.name]
    steps = [record for record in records if record.kind == "step"]
    assert [record.step for record in steps] == list(range(1, one.steps + 1))
    assert sum(record.tokens for record in steps) == one.settings.epochs * sum(len(row.ids) for row in one.rows)
    assert sum(record.learnt for record in steps) == one.settings.epochs * sum(sum(row.learn) for row in one.rows)
    looks = [record.step for record in records if record.kind == "held_out"]
    assert looks == [step for step in range(1, one.steps + 1) if step % one.look_every == 0 or step == one.steps]
    assert steps[-1].epoch == one.settings.epochs


def test_a_job_without_a_learning_rate_says_so(base: Base) -> None:
    with pytest.raises(ValueError, match="needs a learning rate"):
        Job("a", make_adapter("prompt", base), make_rows(base, 2))
