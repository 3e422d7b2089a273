"""Every metric against scikit-learn or plain arithmetic, on the data themselves and on resamples of them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    matthews_corrcoef,
    mean_absolute_error,
    roc_auc_score,
    root_mean_squared_error,
)

from capotasto.errors import SettingError
from capotasto.evaluate.answers import Answers, pooled
from capotasto.evaluate.bootstrap import RESAMPLES, resamples
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
    names = ("accuracy", "macro_f1", "matthews_correlation")
    found = {name: METRICS[name](answers(chosen, truth, classes), weights) for name in names}
    for line, times in enumerate(weights.astype(int)):
        drawn = np.repeat(np.arange(ROWS), times)
        assert found["accuracy"][line] == pytest.approx(accuracy_score(truth[drawn], chosen[drawn]))
        assert found["macro_f1"][line] == pytest.approx(
            f1_score(truth[drawn], chosen[drawn], average="macro", zero_division=0)
        )
        assert found["matthews_correlation"][line] == pytest.approx(matthews_corrcoef(truth[drawn], chosen[drawn]))


def sure(classes: int, seed: int) -> Answers:
    """Log-probabilities that do not add up to 1 and often tie, with a truth they know something of."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, ROWS)
    chances = np.round(random.normal(size=(ROWS, classes)) + 1.5 * np.eye(classes)[truth], 0) - 7
    return Answers(np.ones(ROWS), np.ones(ROWS, int), chances.argmax(1), truth, classes=classes, chances=chances)


def softmax(chances: np.ndarray) -> np.ndarray:
    return np.exp(chances) / np.exp(chances).sum(1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_area_under_the_curve_is_that_of_scikit_learn(classes: int) -> None:
    """One label against the rest, over the labels that are there in the resample."""
    given, weights = sure(classes, 0), resamples(ROWS)[:20]
    found, shares = METRICS["auroc"](given, weights), given.probabilities
    assert shares == pytest.approx(softmax(given.chances))
    for line, times in enumerate(weights.astype(int)):
        drawn = np.repeat(np.arange(ROWS), times)
        each = [
            roc_auc_score(given.truth[drawn] == label, shares[drawn, label])
            for label in range(classes)
            if 0 < (given.truth[drawn] == label).sum() < ROWS
        ]
        assert found[line] == pytest.approx(np.mean(each))
    assert found[0] > 0.6
    whole = roc_auc_score(given.truth, shares if classes > 2 else shares[:, 1], multi_class="ovr")
    assert found[0] == pytest.approx(whole)


def test_a_label_without_rows_is_left_out_of_the_area_under_the_curve() -> None:
    chances = np.log([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.4, 0.5, 0.1]])
    given = Answers(truth=np.array([0, 1, 0]), chances=chances)
    assert METRICS["auroc"](given, np.ones((1, 3)))[0] == pytest.approx(1.0)
    assert METRICS["auroc"](given, np.array([[1.0, 0.0, 1.0]]))[0] == 0.5, "one label alone: nothing to tell apart"


def test_calibration_and_brier_are_as_by_hand() -> None:
    given, weights = sure(3, 1), resamples(ROWS)[:20]
    found = {name: METRICS[name](given, weights) for name in ("calibration_error", "brier_score")}
    shares = softmax(given.chances)
    for line, times in enumerate(weights.astype(int)):
        drawn = np.repeat(np.arange(ROWS), times)
        error = 0.0
        for low in range(10):
            inside = [i for i in drawn if low / 10 < shares[i].max() <= (low + 1) / 10]
            right = [float(given.chosen[i] == given.truth[i]) for i in inside]
            error += abs(sum(right) - sum(shares[i].max() for i in inside)) / ROWS
        squares = [sum((shares[i, c] - (given.truth[i] == c)) ** 2 for c in range(3)) for i in drawn]
        assert found["calibration_error"][line] == pytest.approx(error)
        assert found["brier_score"][line] == pytest.approx(np.mean(squares))


def test_a_sure_and_right_model_is_calibrated_and_one_that_is_sure_and_wrong_is_not() -> None:
    right = Answers(chosen=np.array([0, 1]), truth=np.array([0, 1]), chances=np.array([[0.0, -np.inf], [-np.inf, 0.0]]))
    wrong = Answers(chosen=np.array([0, 1]), truth=np.array([1, 0]), chances=right.chances)
    for name, worst in (("calibration_error", 1.0), ("brier_score", 2.0)):
        assert METRICS[name](right, np.ones((1, 2)))[0] == pytest.approx(0)
        assert METRICS[name](wrong, np.ones((1, 2)))[0] == pytest.approx(worst)


def test_tasks_are_pooled_with_their_probabilities() -> None:
    one, other = (replace(sure(classes, classes), bytes=np.full(ROWS, classes)) for classes in (2, 3))
    both = pooled([one, other])
    assert both.probabilities.shape == (2 * ROWS, 5)
    assert both.probabilities.sum(1) == pytest.approx(1)
    assert both.probabilities[:ROWS, 2:].max() == both.probabilities[ROWS:, :2].max() == 0
    assert both.bytes.sum() == 5 * ROWS
    each = [METRICS["brier_score"](task, np.ones((1, ROWS)))[0] for task in (one, other)]
    assert METRICS["brier_score"](both, np.ones((1, 2 * ROWS)))[0] == pytest.approx(np.mean(each))


def test_perplexity_and_bits_per_byte_follow_from_the_loss() -> None:
    given = Answers(np.array([10.0, 2.0]), np.array([1, 4]), bytes=np.array([7, 5]))
    assert METRICS["perplexity"](given, np.ones((1, 2)))[0] == pytest.approx(np.exp(12 / 5))
    assert METRICS["bits_per_byte"](given, np.ones((1, 2)))[0] == pytest.approx(12 / np.log(2) / 12)


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
    assert (METRICS[name](bare, resamples(3)) is not None) == (name in ("loss", "perplexity"))


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_gives_a_value_for_each_line_of_weights(name: str) -> None:
    random = np.random.default_rng(0)
    chosen, truth = random.integers(0, 3, ROWS), random.integers(0, 3, ROWS)
    told, numbers = random.normal(size=(2, ROWS, 2))
    marked, fitting = random.random((2, ROWS, 3)) < 0.5
    texts, chances = ["a"] * ROWS, random.normal(size=(ROWS, 3))
    whole = Answers(
        np.ones(ROWS), np.ones(ROWS, int), chosen, truth, texts, texts, 3, told, numbers, marked, fitting,
        bytes=np.ones(ROWS, int), chances=chances, schema={},
    )  # fmt: skip
    values = METRICS[name](whole, resamples(ROWS))
    assert values.shape == (RESAMPLES + 1,)
    assert np.isfinite(values).all()


def test_an_unknown_metric_is_named() -> None:
    with pytest.raises(SettingError, match="unknown metric 'acuracy'; did you mean 'accuracy'"):
        METRICS["acuracy"]
