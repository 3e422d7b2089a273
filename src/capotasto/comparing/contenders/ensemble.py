"""Several soft prompts that differ in their seed; a label's chance is the mean of theirs.

Source: Lester et al. 2021, https://arxiv.org/abs/2104.08691, section 6 (prompt ensembling). All learn together in mixed
batches, in the seconds of one training.
"""

from pathlib import Path

from typing_extensions import override

from capotasto.comparing.contender import Contender, Ready
from capotasto.comparing.contest import Contest
from capotasto.comparing.training import Rate, train

MEMBERS = 3


class Ensemble(Contender):
    """Takes the learning rate that was chosen for a single prompt, if there is one."""

    kind = "ensemble"
    how = f"{MEMBERS} prompts are learnt with different seeds, and the mean of their chances decides"
    method = "prompt"
    passes = MEMBERS
    learns = True

    @override
    def unfit(self, contest: Contest) -> str:
        return "" if contest.labels else "the task has no labels whose chances could be averaged"

    @override
    def make(self, contest: Contest, folder: Path, seconds: float) -> Ready:
        known = contest.done.get("prompt", {}).get("settings", {}).get("lr")
        rate = Rate(known, "that of the contender prompt" if known else "the method's rule")
        return train(contest, "prompt", folder, rate, seconds, MEMBERS)


ENSEMBLE = Ensemble()
