"""Share of written answers that are JSON as `--json-schema` wants it."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.json_answer import parsed
from capotasto.evaluate.metric import metric
from capotasto.evaluate.schema import LIBRARY, conforms
from capotasto.evaluate.written import mean


@metric("write", share=True, library=LIBRARY)
def json_schema(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between 0 and 1; None where nothing was written, or without a schema."""
    if answers.schema is None:
        return None
    follows = conforms(answers.schema)
    return mean(answers, weights, lambda text, wanted: float((found := parsed(text)) is not None and follows(found[0])))
