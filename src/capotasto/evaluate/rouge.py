"""ROUGE (Lin 2004, https://aclanthology.org/W04-1013) by the package rouge-score, without stemming."""

from importlib import import_module

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.written import mean

LIBRARY = ("rouge-score", "rouge_score")


def rouge(kind: str, answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """[R] mean F1 over the prompts, each with its best reference. kind: as the package calls it (rouge1, rougeL)."""
    scorer = import_module("rouge_score.rouge_scorer").RougeScorer([kind])
    return mean(answers, weights, lambda text, wanted: scorer.score_multi(wanted, text)[kind].fmeasure)
