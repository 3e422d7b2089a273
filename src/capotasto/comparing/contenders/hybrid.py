"""The best trained adapter, and before each question the training rows most like it."""

from pathlib import Path
from typing import Any

from typing_extensions import override

from capotasto.artifact import load_adapter
from capotasto.comparing.contender import Contender, Ready
from capotasto.comparing.contenders.few_shot import PLAIN
from capotasto.comparing.contenders.nearest_shot import COUNTS, usual, with_nearest
from capotasto.comparing.contest import Contest
from capotasto.comparing.training import ADAPTER, ranked


class Hybrid(Contender):
    """Which adapter is best, the validation rows say. A head is left out: it has learnt from bare questions alone."""

    kind = "ensemble"
    how = "the best trained adapter reads, for each question, the training rows most like it"

    @override
    def unfit(self, contest: Contest) -> str:
        return PLAIN if contest.plain else ""

    @override
    def stale(self, contest: Contest, settings: dict[str, Any]) -> bool:
        return settings.get("adapter") != ranked(contest)[0]

    @override
    def added(self, contest: Contest) -> float:
        return COUNTS[-1] * usual(contest)

    @override
    def make(self, contest: Contest, folder: Path, seconds: float) -> Ready:
        name = ranked(contest)[0]
        adapter = load_adapter(contest.place(name) / ADAPTER, contest.base, f"{name} with examples")
        costs = contest.done[name]["costs"]
        before = costs["train_seconds"] + costs["search_seconds"]
        start = Ready(None, (adapter,), settings={"adapter": name}, before=before, bytes=costs["bytes"])
        return with_nearest(contest, start, seconds)


HYBRID = Hybrid()
