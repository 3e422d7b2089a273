import pytest

from capotasto.report import confusion, format
from capotasto.report.axis import Axis, round_step
from capotasto.report.curves import FINEST, condensed, running_mean
from capotasto.report.histogram import BARS, bins
from capotasto.report.metrics import metric
from capotasto.report.run import Interval


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (3.5, "3.50"),
        (-0.4, "−0.400"),
        (0.03123, "0.0312"),
        (9.999, "10.00"),
        (230.1, "230"),
        (12345, "12,300"),
        (4.2e-5, "4.20\u00a0×\u00a010⁻⁵"),
        (3e12, "3.00\u00a0×\u00a010¹²"),
    ],
)
def test_number(value, words):
    assert format.number(value) == words


@pytest.mark.parametrize(
    ("write", "value", "words"),
    [
        (format.seconds, 0.5, "0.500 s"),
        (format.seconds, 61.2, "61.2 s"),
        (format.seconds, 725, "12 min 5 s"),
        (format.seconds, 12000, "3 h 20 min"),
        (format.size, 512, "512 bytes"),
        (format.size, 46312, "46.3 kB"),
        (format.size, 1.1e9, "1.10 GB"),
        (format.size, 5e13, "50,000 GB"),
        (format.count, 11520, "11,520"),
        (format.plain, True, "yes"),
        (format.plain, None, "–"),
        (format.plain, 0.0003, "0.0003"),
        (format.plain, ["a", 1], '["a", 1]'),
    ],
)
def test_units(write, value, words):
    assert write(value).replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("name", "ends", "word"),
    [
        ("loss", (-0.5, -0.4, -0.3), "better"),
        ("loss", (0.3, 0.4, 0.5), "worse"),
        ("accuracy", (0.3, 0.4, 0.5), "better"),
        ("accuracy", (-0.5, -0.4, -0.3), "worse"),
        ("accuracy", (-0.1, 0.4, 0.5), "no clear difference"),
        ("accuracy", (0.0, 0.4, 0.5), "no clear difference"),
        ("accuracy", (None, 0.4, None), "no clear difference"),
        ("words_per_answer", (1, 2, 3), "higher"),
        ("words_per_answer", (-3, -2, -1), "lower"),
    ],
)
def test_a_difference_is_called_so_only_if_its_interval_is(name, ends, word):
    low, value, high = ends
    assert metric(name).word(Interval(value=value, low=low, high=high)) == word


def test_value_and_interval_share_their_decimals():
    score = Interval(value=0.456, low=0.0123, high=1.2)
    loss = metric("loss")
    assert (loss.value(score), loss.interval(score)) == ("0.46", "0.01 to 1.20")


@pytest.mark.parametrize(("least", "step"), [(0.7, 1), (1, 1), (1.1, 2), (3, 5), (6, 10), (0.03, 0.05), (130, 200)])
def test_round_step(least, step):
    assert round_step(least) == pytest.approx(step)


def test_ticks_are_round_and_lie_within():
    axis = Axis(2.93, 5.02)
    assert [words for _, words in axis.ticks(5)] == ["3.0", "3.5", "4.0", "4.5", "5.0"]
    assert all(0 <= axis.share(value) <= 1 for value, _ in axis.ticks(5))


@pytest.mark.parametrize("values", [[3.5], [0.0], [-2.0, -2.0]])
def test_an_axis_around_one_value_has_a_width(values):
    assert Axis.around(values).share(values[0]) == pytest.approx(0.5)


def test_long_logs_are_condensed_to_means():
    points = condensed([(step, float(step)) for step in range(1, 5001)])
    assert len(points) <= FINEST
    assert points[0] == (5.0, 5.0)


def test_running_mean_leaves_out_the_ends():
    assert running_mean([(0, 1), (1, 4), (2, 1), (3, 7)], 1) == [(1, 2), (2, 4)]


@pytest.mark.parametrize("lengths", [[5], [0, 1], [3, 500], list(range(100)), [7] * 50])
def test_every_length_falls_into_one_of_few_bars(lengths):
    width, bars = bins(lengths)
    assert sum(bars.values()) == len(lengths)
    assert max(bars) - min(bars) <= BARS
    assert width * min(bars) <= min(lengths) <= max(lengths) < width * (max(bars) + 1)


def test_mistakes_come_most_frequent_first_then_by_share():
    found = confusion.mistakes([[8, 2, 0], [5, 1, 0], [2, 0, 0]], ["a", "b", "c"])
    assert [(mistake.true, mistake.predicted, mistake.count) for mistake in found] == [
        ("b", "a", 5),
        ("c", "a", 2),
        ("a", "b", 2),
    ]


def test_heat_shares_are_of_the_true_label_and_an_empty_label_has_none():
    cells = confusion.heat([[3, 1], [0, 0]])
    assert [[cell.share for cell in row] for row in cells] == [[0.75, 0.25], [0, 0]]
    assert [[cell.right for cell in row] for row in cells] == [[True, False], [False, True]]
