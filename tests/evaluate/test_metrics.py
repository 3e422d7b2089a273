"""Every metric against scikit-learn or plain arithmetic, on the data themselves and on resamples of them."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error, root_mean_squared_error

from capotasto.errors import SettingError
from capotasto.evaluate.answers import Answers
from capotasto.evaluate.bootstrap import RESAMPLES, difference, measure, resamples
from capotasto.evaluate.metrics import METRICS

ROWS = 40


def answers(chosen: np.ndarray, truth: np.ndarray, classes: int, seed: int = 0) -> Answers:
    random = np.random.default_rng(seed)
    counts = random.integers(1, 9, len(chosen))
    return Answers(random.gamma(2, 1, len(chosen)) * counts, counts, chosen, truth, classes=classes)


CASES = {
    "guesses": lambda random: (random.integers(0, 3, ROWS), random.integers(0, 3, ROWS), 3),
    "one class only is chosen": lambda random: (np.zeros(ROWS, int), random.integers(0, 4, ROWS), 4),
    "a class is neither true nor chosen": lambda random: (random.integers(0, 2, ROWS), random.integers(0, 2, ROWS), 5),
    "all right": lambda random: (np.arange(ROWS) % 3, np.arange(ROWS) % 3, 3),
    "all wrong": lambda random: (np.zeros(ROWS, int), np.ones(ROWS, int), 2),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_classes_are_counted_as_scikit_learn_counts_them(case: str, seed: int) -> None:
    """The first line of weights is the data; every other one is a resample, in which a class may be missing."""
    chosen, truth, classes = CASES[case](np.random.default_rng(seed))
    weights = resamples(ROWS, seed)[:20]
    found = {name: METRICS[name](answers(chosen, truth, classes), weights) for name in ("accuracy", "macro_f1")}
    for line, times in enumerate(weights.astype(int)):
        drawn = np.repeat(np.arange(ROWS), times)
        assert found["accuracy"][line] == pytest.approx(accuracy_score(truth[drawn], chosen[drawn]))
        assert found["macro_f1"][line] == pytest.approx(
            f1_score(truth[drawn], chosen[drawn], average="macro", zero_division=0)
        )


NUMBERS = {
    "mean_absolute_error": mean_absolute_error,
    "root_mean_square_error": root_mean_squared_error,
    "pearson": lambda true, told: pearsonr(true, told).statistic,
    "spearman": lambda true, told: spearmanr(true, told).statistic,
}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("columns", [1, 2])
def test_numbers_are_compared_as_scikit_learn_and_scipy_compare_them(name: str, columns: int) -> None:
    """With ties, as ratings have them; several columns count alike."""
    random = np.random.default_rng(columns)
    true = random.integers(1, 6, (ROWS, columns)).astype(float)
    told = np.round(true + random.normal(0, 2, true.shape), 1)
    weights = resamples(ROWS)[:20]
    found = METRICS[name](Answers(told=told, numbers=true), weights)
    for line, times in enumerate(weights.astype(int)):
        drawn = np.repeat(np.arange(ROWS), times)
        each = [NUMBERS[name](true[drawn, column], told[drawn, column]) for column in range(columns)]
        assert found[line] == pytest.approx(np.mean(each))


@pytest.mark.parametrize("average", ["micro", "macro"])
def test_marks_are_counted_as_scikit_learn_counts_them(average: str) -> None:
    random = np.random.default_rng(3)
    marked, fitting = random.random((2, ROWS, 5)) < np.array([0.5, 0.1, 0.3, 0.9, 0.4])
    weights = resamples(ROWS)[:20]
    found = METRICS[f"{average}_f1"](Answers(marked=marked, fitting=fitting), weights)
    for line, times in enumerate(weights.astype(int)):
        drawn = np.repeat(np.arange(ROWS), times)
        assert found[line] == pytest.approx(f1_score(fitting[drawn], marked[drawn], average=average, zero_division=0))


def test_a_constant_correlates_with_nothing() -> None:
    given = Answers(told=np.full((4, 1), 0.3), numbers=np.arange(4.0)[:, None])
    assert METRICS["pearson"](given, np.ones((1, 4)))[0] == 0
    assert METRICS["spearman"](given, np.ones((1, 4)))[0] == 0


def test_loss_counts_tokens_and_not_rows() -> None:
    given = Answers(np.array([10.0, 2.0]), np.array([1, 4]))
    assert METRICS["loss"](given, np.ones((1, 2)))[0] == pytest.approx(12 / 5)
    assert METRICS["loss"](given, np.array([[0.0, 2.0]]))[0] == pytest.approx(4 / 8)


def test_exact_match_ignores_blanks_around_the_answer() -> None:
    given = Answers(np.ones(3), np.ones(3, int), written=[" yes\n", "Yes", "no"], wanted=["yes", "yes", "no"])
    assert METRICS["exact_match"](given, np.ones((1, 3)))[0] == pytest.approx(2 / 3)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_without_its_answers_says_nothing(name: str) -> None:
    bare = Answers(np.ones(3), np.ones(3, int))
    weights = resamples(3)
    assert (measure(METRICS[name], bare, weights) is None) == (name != "loss")
    assert (difference(METRICS[name], bare, bare, weights) is None) == (name != "loss")


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_gives_a_value_for_each_line_of_weights(name: str) -> None:
    random = np.random.default_rng(0)
    chosen, truth = random.integers(0, 3, ROWS), random.integers(0, 3, ROWS)
    told, numbers = random.normal(size=(2, ROWS, 2))
    marked, fitting = random.random((2, ROWS, 3)) < 0.5
    texts = ["a"] * ROWS
    whole = Answers(np.ones(ROWS), np.ones(ROWS, int), chosen, truth, texts, texts, 3, told, numbers, marked, fitting)
    values = METRICS[name](whole, resamples(ROWS))
    assert values.shape == (RESAMPLES + 1,)
    assert np.isfinite(values).all()


def test_an_unknown_metric_is_named() -> None:
    with pytest.raises(SettingError, match="unknown metric 'acuracy'; did you mean 'accuracy'"):
        METRICS["acuracy"]
