"""The split leaks nothing, moves nothing when rows are added, and keeps the labels in proportion."""

from collections import Counter
from itertools import chain

import pytest

from capotasto.data import split
from capotasto.data.split import check_leakage
from capotasto.errors import DataError, SettingError
from capotasto.types import Example, Turn


def asked(prompt, completion="a", label=None, place=""):
    return Example((Turn("user", prompt), Turn("assistant", completion, learn=True)), label, place)


def written(text):
    return Example((Turn("text", text, learn=True),), place=text)


def labelled(counts):
    """Rows of each label, spread over the file."""
    rows = [(index / count, label, index) for label, count in counts.items() for index in range(count)]
    return [asked(f"{label} {index}", label, label) for _, label, index in sorted(rows)]


def side_of(splits):
    return {
        example.prompt or example.completion: side for side in ("train", "val", "test")
        for example in getattr(splits, side)
    }  # fmt: skip


KINDS = {
    "prompts": [asked(f"question {index}") for index in range(600)],
    "texts": [written(f"text {index}") for index in range(600)],
    "labels": labelled({"often": 400, "seldom": 150, "rare": 40, "few": 7, "three": 3}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(5))
def test_appended_rows_move_nothing(kind, seed):
    rows = KINDS[kind]
    whole = side_of(split(rows, 0.1, 0.2, seed))
    for count in (10, 11, 12, 13, 50, 51, 400):
        part = side_of(split(rows[:count], 0.1, 0.2, seed))
        assert part.items() <= whole.items()


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_once_in_order_and_in_proportion(kind):
    rows = KINDS[kind]
    splits = split(rows, 0.1, 0.2, seed=1)
    numbers = {id(row): number for number, row in enumerate(rows)}
    sides = [[numbers[id(row)] for row in side] for side in (splits.train, splits.val, splits.test)]
    assert sorted(chain(*sides)) == list(range(len(rows)))
    assert all(side == sorted(side) for side in sides)
    assert list(splits.sizes.items()) == list(zip(("train", "val", "test"), map(len, sides), strict=True))
    assert len(splits.val) == pytest.approx(60, abs=22)
    assert len(splits.test) == pytest.approx(120, abs=30)


def test_unlabelled_side_depends_on_content_alone():
    rows = KINDS["prompts"]
    there, back = side_of(split(rows, 0.1, 0.1, 0)), side_of(split(rows[::-1], 0.1, 0.1, 0))
    moved = {prompt for prompt in there if there[prompt] != back[prompt]}
    assert len(moved) <= 6  # the three opening rows of either order


def test_seed_and_fractions():
    rows = KINDS["prompts"]
    assert side_of(split(rows, 0.1, 0.1, 0)) != side_of(split(rows, 0.1, 0.1, 1))
    tested = [row.prompt for row in split(rows, 0.1, 0.1, 0).test]
    assert [row.prompt for row in split(rows, 0.3, 0.1, 0).test] == tested
    assert side_of(split(rows, 0, 0, 0)) == {row.prompt: "train" for row in rows}


@pytest.mark.parametrize("seed", range(20))
def test_labels_stay_in_proportion(seed):
    counts = {"often": 400, "seldom": 150, "rare": 40, "few": 7, "three": 3}
    splits = split(labelled(counts), 0.1, 0.2, seed)
    sides = {name: Counter(row.label for row in getattr(splits, name)) for name in ("train", "val", "test")}
    for label, count in counts.items():
        # Half a standard deviation of chance, and a row for the other side and the rule of the third prompt.
        assert sides["test"][label] == pytest.approx(0.2 * count, abs=2 + (0.2 * count) ** 0.5 / 2)
        assert sides["val"][label] == pytest.approx(0.1 * count, abs=2 + (0.1 * count) ** 0.5 / 2)
        assert sides["test"][label] >= 1
        assert sides["train"][label] >= 1


def test_most_labelled_rows_are_placed_by_their_hash():
    rows = labelled({"often": 700, "seldom": 300})
    there = side_of(split(rows, 0.1, 0.1, 0))
    without = side_of(split(rows[:3] + rows[10:], 0.1, 0.1, 0))
    moved = sum(there[prompt] != side for prompt, side in without.items())
    assert moved <= 0.15 * len(rows)


PROMPTS = [f"Tell me {index}" for index in range(40)]


def test_same_prompt_stays_together():
    rows = [asked(prompt, f"answer {reply}") for reply in range(3) for prompt in PROMPTS]
    rows += [asked(f"  {prompt.upper()}\n") for prompt in PROMPTS]
    splits = split(rows, 0.2, 0.2, 0)
    assert check_leakage(splits.train, splits.val + splits.test) == []
    assert check_leakage(splits.val, splits.test) == []
    assert all((splits.train, splits.val, splits.test))


def test_leakage_between_files():
    train = [asked("What now?", "a", place="a.csv:2"), asked("else", place="a.csv:3"), asked("what now?", place="a:4")]
    other = [asked("new", place="b.csv:2"), asked("What  NOW?", "other", place="b.csv:3")]
    assert check_leakage(train, other) == [("a.csv:2", "b.csv:3")]
    assert check_leakage([written("a b")], [written("a\nb")]) == [("a b", "a\nb")]


@pytest.mark.parametrize(("val", "test"), [(0.5, 0.5), (-0.1, 0.2), (0.2, -0.1), (1, 0), (100, 0), (float("nan"), 0)])
def test_bad_fractions(val, test):
    with pytest.raises(SettingError) as caught:
        split(KINDS["prompts"], val, test, 0)
    assert f"val={val} and test={test} do not split 600 rows" in str(caught.value)
    assert "val=0.1 test=0.1" in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "val", "words"),
    [
        (
            [asked("a"), asked("b"), asked("A")],
            0.1,
            "into train, val, test: 3 rows with 2 different prompts, and at lea",
        ),
        ([asked("a"), asked("a", "b")], 0, "into train, test: 2 rows with 1 different prompts, and at least 2 are"),
        ([asked("a", label="x"), asked("b", label="y"), asked("c", label="y")], 0.1, "at least 4 are needed (one for"),
        ([], 0, "into train, test: 0 rows with 0 different prompts, and at least 2 are needed"),
    ],
)
def test_too_few_rows(rows, val, words):
    with pytest.raises(DataError) as caught:
        split(rows, val, 0.1, 0)
    assert words in str(caught.value)
    assert "add rows, set val to 0, or give the test rows a file" in str(caught.value)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("val", "test"), [(0.05, 0.05), (0.8, 0.1), (0.1, 0.8)])
def test_the_least_that_is_asked_for_is_enough(seed, val, test):
    splits = split([asked("a"), asked("b"), asked("c")], val, test, seed)
    assert [len(side) for side in (splits.train, splits.val, splits.test)] == [1, 1, 1]
    pair = [asked(text, label=label) for text, label in zip("abcd", "xyxy", strict=True)]
    splits = split(pair, val, test, seed)
    assert [len(side) for side in (splits.train, splits.val, splits.test)] == [2, 1, 1]
