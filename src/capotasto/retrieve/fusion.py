"""Several rankings made one by reciprocal rank fusion (https://doi.org/10.1145/1571941.1572114)."""

from collections.abc import Sequence

from capotasto.retrieve.records import Found, Passage

_CONSTANT = 60  # the paper's k: how little the first places count more than the next


def fused(rankings: Sequence[Sequence[Found]], k: int) -> list[Found]:
    """The k best of all: a passage scores 1 / (60 + its rank) in each ranking that has it."""
    scores: dict[Passage, float] = {}
    for ranking in rankings:
        for rank, found in enumerate(ranking, start=1):
            scores[found.passage] = scores.get(found.passage, 0.0) + 1 / (_CONSTANT + rank)
    best = sorted(scores.items(), key=lambda item: -item[1])
    return [Found(passage, score) for passage, score in best[:k]]
