"""What a model answered about a set of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from capotasto.types import Example


@dataclass(frozen=True)
class Answers:
    """Answers to the questions that were asked; the others are None. N rows, C labels or columns of numbers.

    sums, counts:   [N] nats and supervised tokens (score)
    chosen, truth:  [N] indices of the chosen and the true label, -1 for a true label unknown in training (choose)
    written, wanted: N texts (write)
    classes:        C
    told, numbers:  [N, C] numbers of a head and the true ones
    marked, fitting: [N, C] booleans: the labels a head found and those that fit
    by:             who answered, in words
    bytes:          [N] bytes of the completions in UTF-8 (score)
    chances:        [N, C] log-probabilities of the labels, which need not add up to 1 (choose)
    prompts:        [N] number of each row's prompt, where rows that ask the same are references for each other (write)
    schema:         the JSON schema that written answers should follow
    """

    sums: np.ndarray | None = None
    counts: np.ndarray | None = None
    chosen: np.ndarray | None = None
    truth: np.ndarray | None = None
    written: list[str] | None = None
    wanted: list[str] | None = None
    classes: int = 0
    told: np.ndarray | None = None
    numbers: np.ndarray | None = None
    marked: np.ndarray | None = None
    fitting: np.ndarray | None = None
    by: str = "the base"
    bytes: np.ndarray | None = None
    chances: np.ndarray | None = None
    prompts: np.ndarray | None = None
    schema: Any = None

    @property
    def rows(self) -> int:
        """N."""
        return next(len(found) for found in (self.sums, self.numbers, self.fitting) if found is not None)

    @property
    def marks(self) -> tuple[np.ndarray, np.ndarray] | None:
        """[N, C] booleans each: the labels that were chosen or found, and the true ones; None without labels."""
        if self.marked is not None and self.fitting is not None:
            return self.marked, self.fitting
        if self.chosen is None or self.truth is None:
            return None
        labels = np.arange(self.classes)
        return self.chosen[:, None] == labels, self.truth[:, None] == labels

    @property
    def probabilities(self) -> np.ndarray | None:
        """[N, C] of the labels, together 1 for each row: if it is one of them, which?"""
        if self.chances is None:
            return None
        shares = np.exp(self.chances - self.chances.max(1, keepdims=True))
        return shares / shares.sum(1, keepdims=True)

    @property
    def references(self) -> list[list[str]] | None:
        """N lists of texts, each of which would have been right; None where nothing was written."""
        if self.written is None or self.wanted is None:
            return None
        if self.prompts is None:
            return [[text] for text in self.wanted]
        found: list[list[str]] = [[] for _ in range(int(self.prompts.max()) + 1)]
        for prompt, text in zip(self.prompts, self.wanted, strict=True):
            found[prompt].append(text)
        return [found[prompt] for prompt in self.prompts]

    def by_prompt(self, weights: np.ndarray) -> np.ndarray:
        """[R, N] weights of rows → [R, N] such that each prompt counts once, with however many references."""
        return weights if self.prompts is None else weights / np.bincount(self.prompts)[self.prompts]


def completion_bytes(examples: Sequence[Example]) -> np.ndarray:
    """[N] bytes in UTF-8 of what is learnt of each example."""
    return np.array([sum(len(turn.content.encode()) for turn in one.turns if turn.learn) for one in examples])


def pooled(answers: Sequence[Answers]) -> Answers:
    """The rows of several tasks, each with its own labels: one task's labels are counted on from another's.

    Where a task was not asked to choose and to write, the whole is not either.
    """
    if answers[0].numbers is not None:
        return Answers(told=_joined(answers, "told"), numbers=_joined(answers, "numbers"), by=answers[0].by)
    if answers[0].fitting is not None:
        marked, fitting = (_side_by_side(answers, name, False) for name in ("marked", "fitting"))
        return Answers(marked=marked, fitting=fitting, by=answers[0].by)
    sums, counts = _joined(answers, "sums"), _joined(answers, "counts")
    sizes = None if any(one.bytes is None for one in answers) else _joined(answers, "bytes")
    if any(one.chosen is None or one.truth is None for one in answers):
        return Answers(sums, counts, bytes=sizes)
    starts = np.cumsum([0, *(one.classes for one in answers)])
    chosen, truth = (
        np.concatenate([_shifted(getattr(one, name), start) for one, start in zip(answers, starts, strict=False)])
        for name in ("chosen", "truth")
    )
    written, wanted = ([text for one in answers for text in getattr(one, name) or ()] for name in ("written", "wanted"))
    chances = None if any(one.chances is None for one in answers) else _side_by_side(answers, "chances", -np.inf)
    return Answers(
        sums,
        counts,
        chosen,
        truth,
        written,
        wanted,
        int(starts[-1]),
        by=answers[0].by,
        bytes=sizes,
        chances=chances,
    )


def _joined(answers: Sequence[Answers], name: str) -> np.ndarray:
    return np.concatenate([getattr(one, name) for one in answers])


def _side_by_side(answers: Sequence[Answers], name: str, elsewhere: bool | float) -> np.ndarray:
    """[N, C] of each task, its labels beside those of the others, which are never its rows' own: `elsewhere`."""
    tables = [getattr(one, name) for one in answers]
    whole = np.full((sum(map(len, tables)), sum(table.shape[1] for table in tables)), elsewhere)
    row = column = 0
    for table in tables:
        whole[row : row + len(table), column : column + table.shape[1]] = table
        row, column = row + len(table), column + table.shape[1]
    return whole


def _shifted(classes: np.ndarray, start: int) -> np.ndarray:
    return np.where(classes >= 0, classes + start, -1)
