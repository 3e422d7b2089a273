"""Mixtures: rates as the formulas say, and orders that follow from seed and epoch alone."""

from collections import Counter

import pytest

from capotasto.tokens.batches import epoch_batches
from capotasto.tokens.mixture import Mixture, mixing_rates


@pytest.mark.parametrize(
    ("by", "temperature", "weights", "wanted"),
    [
        ("proportional", 2.0, (1, 1), (0.1, 0.9)),
        ("equal", 2.0, (1, 1), (0.5, 0.5)),
        ("temperature", 1.0, (1, 1), (0.1, 0.9)),
        ("temperature", 2.0, (1, 1), (0.25, 0.75)),  # √100 to √900
        ("temperature", 1e9, (1, 1), (0.5, 0.5)),
        ("equal", 2.0, (3, 1), (0.75, 0.25)),
        ("proportional", 2.0, (9, 1), (0.5, 0.5)),
    ],
)
def test_rates(by: str, temperature: float, weights: tuple[float, ...], wanted: tuple[float, ...]) -> None:
    assert mixing_rates([100, 900], by, temperature, weights) == pytest.approx(wanted)


def test_a_proportional_epoch_has_each_row_once() -> None:
    sizes = (3, 7, 20)
    mixture = Mixture(sizes, tuple(mixing_rates(sizes, "proportional", 1, (1, 1, 1))), seed=1)
    for epoch in range(4):
        assert sorted(mixture.rows(epoch)) == list(range(30))


def test_an_epoch_keeps_its_number_of_rows_and_the_rates() -> None:
    mixture = Mixture((4, 31), (0.37, 0.63), seed=0)
    drawn: Counter[bool] = Counter()
    for epoch in range(40):
        rows = mixture.rows(epoch)
        assert abs(len(rows) - 35) <= 1
        drawn.update(row < 4 for row in rows)
    assert drawn[True] == pytest.approx(0.37 * 35 * 40, abs=1)


@pytest.mark.parametrize("rates", [(0.5, 0.5), (0.02, 0.98)])
def test_no_row_comes_again_before_all_others_of_its_task(rates: tuple[float, float]) -> None:
    """Within an epoch and from one to the next, for tasks that are repeated and for tasks that are cut."""
    mixture = Mixture((4, 40), rates, seed=3)
    series: dict[bool, list[int]] = {True: [], False: []}
    for epoch in range(30):
        for row in mixture.rows(epoch):
            series[row < 4].append(row)
    for rows, size in ((series[True], 4), (series[False], 40)):
        passes = [rows[i : i + size] for i in range(0, len(rows) - size + 1, size)]
        assert len(passes) > 4
        assert all(len(set(one)) == size for one in passes)
        assert len({tuple(one) for one in passes}) > 1, "each pass in an order of its own"


def test_an_epoch_follows_from_the_seed_alone() -> None:
    def one(seed: int, epoch: int) -> list[int]:
        return Mixture((5, 9), (0.6, 0.4), seed).rows(epoch)

    assert one(1, 3) == one(1, 3)
    assert one(1, 3) != one(2, 3)
    assert one(1, 3) != one(1, 4)


def test_batches_of_drawn_rows_hold_just_these() -> None:
    lengths = [3, 9, 4, 8, 5]
    rows = [0, 4, 4, 2, 0, 4]
    batches = epoch_batches(lengths, 12, 0, 0, rows)
    assert sorted(row for batch in batches for row in batch) == sorted(rows)
    assert all(sum(lengths[row] for row in batch) <= 12 for batch in batches)
    assert epoch_batches(lengths, 12, 5, 1, range(5)) == epoch_batches(lengths, 12, 5, 1)
