"""Runs of one to four words that written answers share with the wanted ones, over all rows together (BLEU)."""

from importlib import import_module

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric
from capotasto.evaluate.written import totals

ORDERS = 4


@metric("write", library=("sacrebleu", "sacrebleu"))
def bleu(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between 0 and 100, as sacrebleu has it (tokenizer 13a, exponential smoothing, https://aclanthology.org/W18-6319);
    None where nothing was written. With several references a run of words may come from any of them."""
    counter = import_module("sacrebleu.metrics").BLEU(effective_order=True)

    def counts(text: str, wanted: list[str]) -> list[float]:
        found = counter.sentence_score(text, wanted)
        return [found.sys_len, found.ref_len, *found.counts, *found.totals]

    found = totals(answers, weights, counts)
    return None if found is None else _score(found)


def _score(counts: np.ndarray) -> np.ndarray:
    """[R, 10] words written, words wanted, four counts of runs that are right and four of all runs → [R]."""
    (written, wanted), right, runs = counts[:, :2].T, counts[:, 2 : 2 + ORDERS], counts[:, 2 + ORDERS :]
    missing = (right == 0).cumsum(1)  # the first precision of zero counts as half a run, the second as a quarter
    shares = np.where(right > 0, right, 0.5**missing) / np.maximum(runs, 1e-12)
    brevity = np.exp(np.minimum(0, 1 - wanted / np.maximum(written, 1e-12)))
    known = right.any(1) & (runs > 0).all(1)
    return np.where(known, 100 * brevity * np.exp(np.log(np.maximum(shares, 1e-300)).mean(1)), 0)
