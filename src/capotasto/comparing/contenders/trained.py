"""Adapters of one method each, trained as `capo tune` trains them, with a learning rate that short trainings chose."""

from pathlib import Path

from typing_extensions import override

from capotasto.comparing.contender import Contender, Ready
from capotasto.comparing.contest import Contest
from capotasto.comparing.training import chosen_rate, train


class Trained(Contender):
    """One method with its default settings."""

    kind = "training"
    learns = True

    def __init__(self, method: str, how: str):
        self.method, self.how = method, how

    @override
    def unfit(self, contest: Contest) -> str:
        labels = self.method != "head" or contest.labels
        return "" if labels else "a head chooses among labels, and the task has none"

    @override
    def make(self, contest: Contest, folder: Path, seconds: float) -> Ready:
        rate = chosen_rate(contest, str(self.method), seconds)
        return train(contest, str(self.method), folder, rate, seconds - rate.seconds)


PROMPT = Trained("prompt", "virtual tokens are learnt that stand before every question")
RESIDUAL = Trained("residual", "virtual tokens are learnt through a small network that is folded away")
PREFIX = Trained("prefix", "keys and values are learnt that stand before every layer's own")
LORA = Trained("lora", "low-rank changes of the linear layers are learnt")
BOTTLENECK = Trained("bottleneck", "small networks after the feed-forward layers are learnt")
HEAD = Trained("head", "a linear classifier is learnt on the base's states")
FULL = Trained("full", "all parameters of the base are learnt, in a model of its own")
