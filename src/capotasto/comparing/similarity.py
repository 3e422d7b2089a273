"""Which texts are alike: the cosine of their words, weighted by how rare they are (tf-idf).

The formula is scikit-learn's default (https://scikit-learn.org/stable/modules/feature_extraction.html#tfidf-term-weighting):
idf = ln((1 + N) / (1 + df)) + 1, rows of length 1. It is written out here because it needs no package and no pass of
the base over all training rows, and takes milliseconds where that takes minutes.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

_WORD = re.compile(r"\w+")


class Similar:
    """Finds among N texts those that are most like another."""

    def __init__(self, texts: Sequence[str]):
        self.count = len(texts)
        counts = [Counter(_words(text)) for text in texts]
        frequency = Counter(word for one in counts for word in one)
        self._idf = {word: float(np.log((1 + self.count) / (1 + times)) + 1) for word, times in frequency.items()}
        places: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, one in enumerate(counts):
            for word, weight in self._weights(one).items():
                places[word].append((number, weight))
        self._places = {
            word: (np.array([number for number, _ in found]), np.array([weight for _, weight in found]))
            for word, found in places.items()
        }

    def cosines(self, text: str) -> np.ndarray:
        """[N] cosine of the text with each of the texts; words that none of them has count for nothing."""
        found = np.zeros(self.count)
        for word, weight in self._weights(Counter(_words(text))).items():
            numbers, weights = self._places[word]
            found[numbers] += weight * weights
        return found

    def nearest(self, text: str, count: int) -> list[int]:
        """The numbers of the most similar texts, the most similar first; of equals the first."""
        return np.argsort(-self.cosines(text), kind="stable")[:count].tolist()

    def _weights(self, counts: Counter[str]) -> dict[str, float]:
        raw = {word: times * self._idf[word] for word, times in counts.items() if word in self._idf}
        length = sum(weight**2 for weight in raw.values()) ** 0.5
        return {word: weight / length for word, weight in raw.items()}


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
