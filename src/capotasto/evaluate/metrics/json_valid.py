"""Share of written answers that are JSON."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.json_answer import parsed
from capotasto.evaluate.metric import metric
from capotasto.evaluate.written import mean


@metric("write", share=True)
def json_valid(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between 0 and 1; None where nothing was written. The whole answer must be JSON, with nothing around it."""
    return mean(answers, weights, lambda text, wanted: float(parsed(text) is not None))
