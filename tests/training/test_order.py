"""The order of a training: what a curriculum plays when, and that mixtures and curricula go on as they were."""

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
import torch

from capotasto.session import Base
from capotasto.tokens.curriculum import Curriculum, ranks
from capotasto.tokens.mixture import Mixture
from capotasto.training.job import Job
from capotasto.training.loop import train
from capotasto.training.order import Order
from capotasto.training.resume import load_checkpoint, save_checkpoint
from capotasto.training.settings import TrainSettings
from capotasto.training.stop import EarlyStopping
from tests.making import make_adapter, make_rows

LENGTHS = [5 + number % 7 for number in range(60)]
SETTINGS = TrainSettings(epochs=4, batch_tokens=30)
HARDEST_FIRST = tuple(reversed([number / 60 for number in range(60)]))


def played(order: Order) -> list[list[int]]:
    """The rows of each step."""
    return [batch for number in range(len(order.passes)) for batch in order.batches(number)]


def test_ranks_are_places_within_the_task() -> None:
    assert ranks([3.0, 1.0, 2.0, 9.0, 9.0], (3, 2)) == pytest.approx([2 / 3, 0, 1 / 3, 0, 1 / 2])


def test_competence_grows_over_half_of_the_steps() -> None:
    one = Curriculum((0.0,), 0.25)
    assert [one.share(done) for done in (0, 0.25, 0.5, 0.9)] == pytest.approx([0.25, 0.625, 1, 1])


def test_hard_rows_wait_until_they_are_in_play() -> None:
    curriculum = Curriculum(HARDEST_FIRST, 0.25)
    order = Order(LENGTHS, SETTINGS, curriculum=curriculum)
    steps = played(order)
    plain = Order(LENGTHS, SETTINGS)
    assert len(steps) == order.steps == plain.steps == len(played(plain))
    for number, batch in enumerate(steps):
        assert all(HARDEST_FIRST[row] < curriculum.share(number / len(steps)) for row in batch)
    shares = [share for share, _ in order.passes]
    assert shares == sorted(shares)
    assert len(set(shares)) >= 5
    times = Counter(row for batch in steps for row in batch)
    assert times[59] > times[0] > 0, "easy rows come more often, hard ones come too"


def test_each_pass_has_each_row_in_play_once() -> None:
    order = Order(LENGTHS, SETTINGS, curriculum=Curriculum(HARDEST_FIRST, 0.5))
    for number, (share, _) in list(enumerate(order.passes))[:-1]:
        rows = [row for batch in order.batches(number) for row in batch]
        assert sorted(rows) == [row for row in range(60) if HARDEST_FIRST[row] < share]


def test_a_start_with_all_rows_is_no_curriculum() -> None:
    assert played(Order(LENGTHS, SETTINGS, curriculum=Curriculum(HARDEST_FIRST, 1.0))) == played(
        Order(LENGTHS, SETTINGS)
    )


def test_every_task_of_a_mixture_begins_with_its_own_easy_rows() -> None:
    hardness = ranks([float(number) for number in range(60)], (20, 40))
    mixture = Mixture((20, 40), (0.5, 0.5), 0)
    order = Order(LENGTHS, SETTINGS, mixture, Curriculum(hardness, 0.3))
    first = [row for batch in order.batches(0) for row in batch]
    assert set(first) <= {*range(6), *range(20, 32)}
    assert any(row < 20 for row in first)
    assert any(row >= 20 for row in first)


def test_a_pass_without_an_easy_row_has_the_easiest() -> None:
    assert Curriculum((0.9, 0.8, 0.1), 0.5).in_play([0, 1], 0.5) == [1]


def make_job(base: Base) -> Job:
    rows = make_rows(base, 12)
    lengths = [len(row.ids) for row in rows]
    settings = TrainSettings(epochs=5, batch_tokens=60)
    curriculum = Curriculum(ranks([float(length) for length in lengths], (4, 8)), 0.3)
    order = Order(lengths, settings, Mixture((4, 8), (0.6, 0.4), 2), curriculum)
    return Job("a", make_adapter("prompt", base), rows, make_rows(base, 2, seed=1), settings, 0.05, order)


@pytest.mark.parametrize("stop", [1, 6, 13])
def test_stopping_in_a_mixed_curriculum_equals_not_stopping(base: Base, tmp_path: Path, stop: int) -> None:
    whole, first, second = (make_job(base) for _ in range(3))
    uninterrupted = [(record.kind, record.step, record.loss) for record in train(base, [whole])]
    stopping = EarlyStopping(first)
    seen = [(record.kind, record.step, record.loss) for record in islice(train(base, [first]), stop)]
    save_checkpoint(tmp_path, first, stopping, "this", 0)
    load_checkpoint(tmp_path, second, EarlyStopping(second), "this")
    seen += [(record.kind, record.step, record.loss) for record in train(base, [second])]
    assert seen == uninterrupted
    assert torch.equal(second.adapter.prompt_embeddings, whole.adapter.prompt_embeddings)
