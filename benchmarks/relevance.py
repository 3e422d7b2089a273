"""How good a ranking is, where some documents answer a question and the others do not.

Sources: https://nlp.stanford.edu/IR-book/html/htmledition/evaluation-of-ranked-retrieval-results-1.html, and for the
discount https://doi.org/10.1145/582415.582418.
"""

import math
from collections.abc import Sequence


def ndcg(ranking: Sequence[str], wanted: set[str], k: int) -> float:
    """Each wanted document among the first k counts 1 / log2(its rank + 1); divided by the best there could be."""
    gained = sum(_discount(rank) for rank, name in enumerate(ranking[:k], start=1) if name in wanted)
    return gained / sum(_discount(rank) for rank in range(1, min(k, len(wanted)) + 1))


def recall(ranking: Sequence[str], wanted: set[str], k: int) -> float:
    """The share of the wanted documents that is among the first k."""
    return len(wanted & set(ranking[:k])) / len(wanted)


def reciprocal_rank(ranking: Sequence[str], wanted: set[str]) -> float:
    """One divided by the rank of the first wanted document; 0 where there is none."""
    return next((1 / rank for rank, name in enumerate(ranking, start=1) if name in wanted), 0.0)


def _discount(rank: int) -> float:
    return 1 / math.log2(rank + 1)
