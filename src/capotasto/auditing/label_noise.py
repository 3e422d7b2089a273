"""Rows whose label may be wrong, because a plain classifier that has not seen them says another with confidence.

Confident learning (Northcutt et al. 2021, https://arxiv.org/abs/1911.00068 section 3.1) on the probabilities of a
logistic regression over TF-IDF, each row's from a model that learnt the other folds. A suspect is a row to look at, and
no proof: a hard row or a rare wording is one too.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capotasto.errors import DataError

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Suspect:
    """Row number `row` has the label `given`, and `likelier` has so much more probability."""

    row: int
    given: str
    likelier: str
    gap: float


def suspects(texts: Sequence[str], labels: Sequence[str]) -> list[Suspect]:
    """The suspects, the most striking first. Labels with fewer than FOLDS rows are left out: too little is known there.

    Errors: scikit-learn is not installed.
    """
    times = Counter(labels)
    kept = [row for row, label in enumerate(labels) if times[label] >= FOLDS]
    names = sorted({labels[row] for row in kept})
    if len(names) < 2:
        return []
    given = np.array([names.index(labels[row]) for row in kept])
    chances = _out_of_fold([texts[row] for row in kept], given)
    usual = np.array([chances[given == label, label].mean() for label in range(len(names))])
    sure = np.where(chances >= usual, chances, -1.0)  # a label counts where it is as likely as on rows that have it
    likelier = sure.argmax(1)
    gaps = chances[np.arange(len(kept)), likelier] - chances[np.arange(len(kept)), given]
    found = [
        Suspect(kept[i], names[given[i]], names[likelier[i]], float(gaps[i]))
        for i in np.flatnonzero((sure.max(1) >= 0) & (likelier != given) & (gaps > 0))
    ]
    return sorted(found, key=lambda one: -one.gap)


def _out_of_fold(texts: Sequence[str], given: np.ndarray) -> np.ndarray:
    """[N, C] probabilities, each row's by a classifier that has not learnt it."""
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedKFold, cross_val_predict
        from sklearn.pipeline import make_pipeline
    except ImportError:
        raise DataError(
            "looking for wrong labels needs scikit-learn, which is not installed: pip install 'capotasto[audit]'"
        ) from None
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=r"\S+")
    classifier = make_pipeline(words, LogisticRegression(C=10.0, max_iter=1000, class_weight="balanced"))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    return np.asarray(cross_val_predict(classifier, list(texts), given, cv=folds, method="predict_proba"))
