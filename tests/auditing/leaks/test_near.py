"""Near repeats against the plain definition, on texts that are changed by ever more."""

import random

import numpy as np
import pytest

from capotasto.auditing.near import LEAST, jaccard, near, shingles

WORDS = ["rain", "sun", "north", "shore", "wind", "snow", "hail", "fog", "cloud", "storm", "thunder", "mist"]


def plain_jaccard(one: str, other: str) -> float:
    sets = [{text[i : i + 5] for i in range(len(text) - 4)} for text in (one, other)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def text_of(chance: random.Random, words: int = 30) -> list[str]:
    return [chance.choice(WORDS) + str(chance.randrange(100)) for _ in range(words)]


def changed(chance: random.Random, words: list[str], count: int) -> list[str]:
    places = chance.sample(range(len(words)), count)
    return [chance.choice(WORDS) if i in places else word for i, word in enumerate(words)]


def test_the_measure_is_jaccards() -> None:
    chance = random.Random(0)
    for _ in range(50):
        words = text_of(chance)
        one, other = " ".join(words), " ".join(changed(chance, words, chance.randrange(10)))
        assert jaccard(shingles(one), shingles(other)) == pytest.approx(plain_jaccard(one, other))


def test_all_pairs_above_the_measure_are_found_and_no_others() -> None:
    chance = random.Random(1)
    texts = []
    for _ in range(60):
        words = text_of(chance)
        texts += [" ".join(words), " ".join(changed(chance, words, chance.randrange(6)))]
    twins = {
        later: max((plain_jaccard(texts[earlier], texts[later]), -earlier) for earlier in range(later))
        for later in range(1, len(texts))
    }
    wanted = {(-earlier, later) for later, (measure, earlier) in twins.items() if measure >= LEAST}
    assert 10 < len(wanted) < 60, "the texts are near and far"
    found = near(texts)
    assert {(earlier, later) for earlier, later, _ in found} == wanted
    assert all(measure == pytest.approx(plain_jaccard(texts[one], texts[other])) for one, other, measure in found)


def test_case_and_spacing_do_not_count_and_short_texts_are_near_to_nothing() -> None:
    assert near(["The  sun and\nthe rain", "the sun AND the rain"]) == [(0, 1, 1.0)]
    assert near(["no", "no", "", ""]) == []


def test_any_character_has_a_hash() -> None:
    assert len(shingles("日本語の文章です" + chr(0x10FFFF))) == 5
    assert np.array_equal(shingles("straße"), shingles("STRASSE"))
