"""An instruction before every question, searched for on validation rows.

Candidates are written by hand from the labels, and by the base itself from training rows (as in APE, Zhou et al. 2023,
https://arxiv.org/abs/2211.01910, section 3.1); successive halving keeps those that answer best, and after the first
comparison pairs of the best are joined.
"""

from functools import partial
from itertools import permutations
from pathlib import Path

import numpy as np
from typing_extensions import override

from capotasto.comparing.choosing import FEWEST, affordable
from capotasto.comparing.contender import Contender, Ready
from capotasto.comparing.contest import Contest
from capotasto.comparing.framing import after_text
from capotasto.decoding.settings import GenerateSettings
from capotasto.evaluate.questions import write
from capotasto.experiment.search.halving import rungs
from capotasto.types import Example

WRITTEN = 4  # instructions that the base is asked for
SHOWN = 4  # training rows that it sees for each
WORDS = 40  # tokens of an instruction at most
JOINED = 2  # of the best, of which every pair is joined
HALVING = 2
UNLIKE = 0.7  # temperature at which the base writes, so that it does not write the same again


class Instruction(Contender):
    """Ends with one text."""

    kind = "prompting"
    how = "the base reads an instruction before the question, the best of some that were tried"

    @override
    def unfit(self, contest: Contest) -> str:
        return "plain text has no questions that an instruction could stand before" if contest.plain else ""

    @override
    def added(self, contest: Contest) -> float:
        return contest.read_once(2 * WORDS)

    @override
    def make(self, contest: Contest, folder: Path, seconds: float) -> Ready:
        texts = by_hand(contest.labels)
        most = affordable(contest, 2 * FEWEST, contest.read_once(WORDS), seconds)  # that can be compared on the fewest
        if most > len(texts):
            texts = list(dict.fromkeys([*texts, *_by_base(contest)]))
        texts = texts[:most]
        text, rows = _halved(contest, texts, seconds)
        settings = {"instruction": text, "candidates": len(texts), "rows": rows}
        return Ready(partial(after_text, text=text), settings=settings, bytes=len(text.encode()))


def by_hand(labels: list[str]) -> list[str]:
    """Instructions that anyone would try."""
    if not labels:
        return [
            "Answer in as few words as you can.",
            "Answer the question in one sentence.",
            "Write what fits best to what follows.",
        ]
    listed = ", ".join(labels)
    return [
        f"Answer with one of: {listed}.",
        f"Classify the text as {' or '.join(labels)}. Answer with the label alone.",
        f"Which of these fits the following text best: {listed}?",
        f"Choose the topic of the message. Answer with one of: {listed}",
    ]


def _by_base(contest: Contest) -> list[str]:
    """What the base writes when it is shown rows and asked for their instruction; its first line, if there is any."""
    rows = contest.task.splits.train
    random = np.random.default_rng([contest.settings.seed, 3])
    asked = [_asking([rows[i] for i in random.permutation(len(rows))[:SHOWN]]) for _ in range(WRITTEN)]
    prompts = [contest.renderer.prompt([contest.base.turn(text)], WORDS) for text in asked]
    settings = GenerateSettings(max_new_tokens=WORDS, temperature=UNLIKE, seed=contest.settings.seed)
    written = write(contest.base, contest.renderer, prompts, [None] * len(prompts), settings)
    return [line for text in written for line in text.strip().splitlines()[:1]]


def _asking(rows: list[Example]) -> str:
    pairs = "\n\n".join(f"Input: {_short(row.prompt)}\nOutput: {_short(row.completion)}" for row in rows)
    return f"{pairs}\n\nWrite in one sentence the instruction by which these outputs were made from the inputs."


def _short(text: str, most: int = 300) -> str:
    return text if len(text) <= most else text[:most] + " …"


def _halved(contest: Contest, texts: list[str], seconds: float) -> tuple[str, int]:
    """(the best instruction, on how many rows the last ones were compared)."""
    heights = [rung for rung in rungs(len(texts), HALVING, len(contest.task.splits.val)) if rung.trials > 1]
    passes = sum((rung.trials + JOINED) * rung.share for rung in heights)  # over all rows
    most = affordable(contest, 1, contest.read_once(WORDS), seconds / max(passes, 1))
    asked = 0
    for number, rung in enumerate(heights):
        asked = max(FEWEST, round(rung.share * most))
        merits = {text: _merit(contest, text, asked) for text in texts}
        texts = sorted(texts, key=lambda text: merits[text], reverse=True)[: max(1, rung.trials // HALVING)]
        if number == 0:
            texts += [f"{one} {other}" for one, other in permutations(texts[:JOINED], 2)]
    return texts[0], min(asked, len(contest.task.splits.val))


def _merit(contest: Contest, text: str, rows: int) -> tuple[float, float]:
    return contest.answer(Ready(partial(after_text, text=text)), contest.task.splits.val[:rows]).merit


INSTRUCTION = Instruction()
