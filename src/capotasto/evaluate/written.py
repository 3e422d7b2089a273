"""Numbers of written answers added over rows: each answer with its references, each prompt once."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from capotasto.evaluate.answers import Answers


def totals(
    answers: Answers, weights: np.ndarray, counts: Callable[[str, list[str]], Sequence[float] | np.ndarray]
) -> np.ndarray | None:
    """[R, F] the F numbers that `counts(text, references)` gives, added over the prompts; None where nothing was
    written."""
    texts, references, prompts = answers.written, answers.references, answers.prompts
    if texts is None or references is None:
        return None
    rows = range(len(texts)) if prompts is None else np.unique(prompts, return_index=True)[1]  # one of each prompt
    found = np.array([counts(texts[i], references[i]) for i in rows], dtype=float)
    return answers.by_prompt(weights) @ (found if prompts is None else found[prompts])


def mean(answers: Answers, weights: np.ndarray, quality: Callable[[str, list[str]], float]) -> np.ndarray | None:
    """[R] means of `quality(text, references)` over the prompts; None where nothing was written."""
    found = totals(answers, weights, lambda text, wanted: (quality(text, wanted), 1.0))
    return None if found is None else found[:, 0] / found[:, 1]


def distinct(answers: Answers, weights: np.ndarray, size: int) -> np.ndarray | None:
    """[R] different runs of `size` words over all such runs; None where nothing was written.

    This is distinct-n (Li et al. 2016, https://arxiv.org/abs/1510.03055, section 5.1). Each row gets its share of what
    is different: a run that stands in so many places counts 1 over that in each. The shares add up to the number of
    different runs, and resamples of rows keep the scale of the whole.
    """
    if answers.written is None:
        return None
    each = [Counter(word_runs(text, size)) for text in answers.written]
    once = answers.by_prompt(np.ones((1, len(each))))[0]
    times: Counter = Counter()
    for share, own in zip(once, each, strict=True):
        times.update({run: share * count for run, count in own.items()})
    shares = np.array([sum(count / times[run] for run, count in own.items()) for own in each])
    lengths = np.array([own.total() for own in each])
    weights = answers.by_prompt(weights)
    return (weights @ shares) / np.maximum(weights @ lengths, 1e-12)


def word_runs(text: str, size: int) -> list[tuple[str, ...]]:
    """All runs of `size` words between white space, in order."""
    words = text.split()
    return [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]
