"""Labels that were made wrong are found, and few others."""

import random
import sys

import pytest

from capotasto.auditing.label_noise import suspects
from capotasto.errors import DataError

WORDS = {"weather": ["rain", "sun", "wind", "snow"], "food": ["bread", "soup", "cheese", "rice"]}


def rows(count: int = 80, wrong: int = 4) -> tuple[list[str], list[str], set[int]]:
    chance = random.Random(0)
    true = [("weather", "food")[i % 2] for i in range(count)]
    texts = [" ".join(chance.choice(WORDS[label]) for _ in range(5)) for label in true]
    swapped = set(chance.sample(range(count), wrong))
    given = [("food" if label == "weather" else "weather") if i in swapped else label for i, label in enumerate(true)]
    return texts, given, swapped


def test_swapped_labels_are_suspects_and_right_ones_are_not() -> None:
    texts, given, swapped = rows()
    found = suspects(texts, given)
    assert {one.row for one in found} == swapped
    assert all(one.given == given[one.row] and one.likelier != one.given for one in found)
    assert [one.gap for one in found] == sorted((one.gap for one in found), reverse=True)


def test_rare_labels_and_a_single_label_are_left_out() -> None:
    texts, given, swapped = rows()
    found = suspects([*texts, "rain rain"], [*given, "rare"])
    assert {one.row for one in found} == swapped
    assert suspects(texts, ["one"] * len(texts)) == []
    assert suspects(["a", "b"], ["x", "y"]) == []


def test_without_scikit_learn_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "sklearn"] + ["sklearn"]:
        monkeypatch.setitem(sys.modules, name, None)
    texts, given, _ = rows()
    with pytest.raises(DataError, match=r"needs scikit-learn.*pip install 'capotasto\[audit\]'") as caught:
        suspects(texts, given)
    assert "\n" not in str(caught.value)
