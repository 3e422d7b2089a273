"""The base as it is, with the labels' chances corrected for how likely the base finds them whatever the question.

Two estimates of that prior are tried on validation rows: what the base says of questions without content (contextual
calibration, Zhao et al. 2021, https://arxiv.org/abs/2102.09690, section 5), and its mean over the validation rows,
without their labels (batch calibration, Zhou et al. 2023, https://arxiv.org/abs/2309.17249, section 3).
"""

from pathlib import Path

import numpy as np
from typing_extensions import override

from capotasto.comparing.choosing import affordable
from capotasto.comparing.contender import Contender, Ready
from capotasto.comparing.contest import Contest
from capotasto.types import Example, Turn

CONTENT_FREE = ("N/A", "[MASK]", "")  # those of the paper


class Calibrated(Contender):
    """Only for labels."""

    kind = "prompting"
    how = "the base is asked as it is, and each label's chance is divided by how likely the base finds it anyway"

    @override
    def unfit(self, contest: Contest) -> str:
        return "" if contest.labels else "the task has no labels whose chances could be moved"

    @override
    def make(self, contest: Contest, folder: Path, seconds: float) -> Ready:
        rows = contest.task.splits.val[: affordable(contest, 1, 0, seconds)]
        found = contest.answer(Ready(), rows).answers
        empty = contest.answer(Ready(), [_asking(text) for text in CONTENT_FREE]).answers
        assert found.chances is not None
        assert empty.chances is not None
        priors = {
            "contextual": np.exp(empty.chances).mean(0),
            "batch": np.exp(found.chances).mean(0),
        }
        truth = found.truth
        right = {name: ((found.chances - np.log(prior)).argmax(1) == truth).mean() for name, prior in priors.items()}
        chosen = max(right, key=lambda name: float(right[name]))
        offsets = tuple((-np.log(priors[chosen])).tolist())
        return Ready(offsets=offsets, settings={"calibration": chosen, "rows": len(rows)}, bytes=8 * len(offsets))


def _asking(text: str) -> Example:
    return Example((Turn("user", text), Turn("assistant", "", learn=True)))


CALIBRATED = Calibrated()
