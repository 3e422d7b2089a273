"""Words that written and wanted answer have in common (ROUGE-1)."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric
from capotasto.evaluate.rouge import LIBRARY, rouge


@metric("write", share=True, library=LIBRARY)
def rouge_1(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """F1 between 0 and 1, the best reference's, averaged over the prompts; None where nothing was written."""
    return rouge("rouge1", answers, weights)
