"""Words that written and wanted answer have in common, as F1 (SQuAD)."""

import re
import string
from collections import Counter

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric
from capotasto.evaluate.written import mean

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@metric("write", share=True)
def token_f1(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between 0 and 1, the best reference's, averaged over the prompts; None where nothing was written.

    As in SQuAD (https://arxiv.org/abs/1606.05250, section 6.1) without regard to case, punctuation and articles.
    """
    return mean(answers, weights, lambda text, wanted: max(shared_words(text, one) for one in wanted))


def shared_words(text: str, wanted: str) -> float:
    """F1 of the words of two texts as bags; 1 where both are empty."""
    written, true = words(text), words(wanted)
    if not written or not true:
        return float(written == true)
    shared = (Counter(written) & Counter(true)).total()
    return 2 * shared / (len(written) + len(true))


def words(text: str) -> list[str]:
    """The words that count, in lower case, without punctuation and articles."""
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()
