"""Alike are texts with the same rare words: the same numbers as scikit-learn gives."""

import numpy as np
import pytest

from capotasto.comparing.similarity import Similar

TEXTS = [
    "the rain in the north",
    "the sun on the shore, and the rain",
    "one question, another answer",
    "ein Wort: Straße, naïve",
    "",
    "rain rain rain",
]


def test_cosines_are_those_of_scikit_learn() -> None:
    text = pytest.importorskip("sklearn.feature_extraction.text")
    vectorizer = text.TfidfVectorizer(token_pattern=r"\w+")
    table = vectorizer.fit_transform(TEXTS).toarray()
    similar = Similar(TEXTS)
    for query in ["Rain on the SHORE", "question of the sun", "straße", *TEXTS]:
        wanted = table @ vectorizer.transform([query]).toarray()[0]
        np.testing.assert_allclose(similar.cosines(query), wanted, atol=1e-12)


def test_the_most_similar_come_first_and_of_equals_the_first() -> None:
    similar = Similar(["a b", "c d", "a b", "a c"])
    assert similar.nearest("a b", 3) == [0, 2, 3]
    assert similar.nearest("nothing of it", 2) == [0, 1]
    assert Similar([]).nearest("a", 3) == []
