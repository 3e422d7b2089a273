"""The measures of rankings are those of scikit-learn, and what one counts by hand."""

import random

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from benchmarks.relevance import ndcg, recall, reciprocal_rank


@pytest.mark.parametrize("seed", range(20))
def test_ndcg_is_that_of_scikit_learn(seed: int) -> None:
    chance = random.Random(seed)
    names = [f"d{number}" for number in range(15)]
    wanted = set(chance.sample(names, chance.randint(1, 12)))
    ranking = chance.sample(names, len(names))
    truth = np.array([[float(name in wanted) for name in ranking]])
    scores = np.arange(len(ranking), 0, -1)[None]
    for k in (1, 3, 10):
        assert ndcg(ranking, wanted, k) == pytest.approx(ndcg_score(truth, scores, k=k))


def test_recall_and_reciprocal_rank_by_hand() -> None:
    assert recall(["a", "b", "c"], {"b", "x"}, 2) == 0.5
    assert recall(["a", "b", "c"], {"c"}, 2) == 0
    assert reciprocal_rank(["a", "b", "c"], {"c", "b"}) == 0.5
    assert reciprocal_rank(["a"], {"x"}) == 0
    assert reciprocal_rank([], {"x"}) == ndcg([], {"x"}, 10) == 0
