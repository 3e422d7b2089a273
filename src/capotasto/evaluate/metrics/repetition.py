"""Share of runs of three words in an answer that stood there before."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric
from capotasto.evaluate.written import mean, word_runs

RUN = 3  # words


@metric("write")
def repetition(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between 0 and 1, averaged over the answers (seq-rep of Welleck et al. 2019, https://arxiv.org/abs/1908.04319,
    section 6); an answer too short for such a run repeats nothing. None where nothing was written."""

    def repeated(text: str, wanted: list[str]) -> float:
        runs = word_runs(text, RUN)
        return 1 - len(set(runs)) / len(runs) if runs else 0.0

    return mean(answers, weights, repeated)
