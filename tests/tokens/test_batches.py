"""Batches: every row once an epoch, within the budget, even, and the same whenever they are asked for."""

import random

import pytest

from capotasto.tokens.batches import cut, epoch_batches


def lengths(count: int, seed: int, most: int = 60) -> list[int]:
    chance = random.Random(seed)
    return [chance.randint(1, most) for _ in range(count)]


CASES = [(count, budget, seed) for count in (1, 2, 13, 200) for budget in (1, 30, 64, 512, 10**6) for seed in (0, 7)]


@pytest.mark.parametrize(("count", "budget", "seed"), CASES)
def test_every_row_once_and_none_over_the_budget(count: int, budget: int, seed: int) -> None:
    sizes = lengths(count, seed)
    for epoch in range(3):
        batches = epoch_batches(sizes, budget, seed, epoch)
        assert sorted(row for batch in batches for row in batch) == list(range(count))
        assert all(batches)
        assert all(len(batch) == 1 or sum(sizes[row] for row in batch) <= budget for batch in batches)


def test_the_same_question_has_the_same_answer_and_another_seed_or_epoch_another() -> None:
    sizes = lengths(50, 3)
    plans = [epoch_batches(sizes, 128, seed, epoch) for seed in range(3) for epoch in range(3)]
    assert plans == [epoch_batches(sizes, 128, seed, epoch) for seed in range(3) for epoch in range(3)]
    assert len({str(plan) for plan in plans}) == 9
    together = [{frozenset(batch) for batch in plan} for plan in plans[:3]]
    assert together[0] != together[1] != together[2], "not only the order of the batches changes"


def test_batches_are_even() -> None:
    """Without that, the last one would hold what is left, which may be one row: a step of noise."""
    for seed in range(20):
        sizes = lengths(100, seed, most=20)
        totals = [sum(sizes[row] for row in batch) for batch in epoch_batches(sizes, 256, 0, 0)]
        assert min(totals) > 0.4 * max(totals), (seed, totals)


def test_rows_of_like_length_stand_together() -> None:
    sizes = [2] * 40 + [50] * 40
    batches = epoch_batches(sizes, 100, 0, 0)
    mixed = [batch for batch in batches if len({sizes[row] for row in batch}) > 1]
    assert len(mixed) <= 1


def test_cutting_keeps_the_order() -> None:
    assert cut([3, 1, 2, 0], [4, 4, 4, 4], 8) == [[3, 1], [2, 0]]
    assert cut([0, 1], [100, 1], 8) == [[0], [1]]
    assert cut([], [], 8) == [[]]
