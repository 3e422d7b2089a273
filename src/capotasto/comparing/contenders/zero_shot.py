"""The base as it is: the question, and nothing before it."""

from pathlib import Path

from typing_extensions import override

from capotasto.comparing.contender import Contender, Ready
from capotasto.comparing.contest import Contest


class ZeroShot(Contender):
    """Nothing is chosen and nothing is kept."""

    kind = "prompting"
    how = "the base is asked the question as it is"

    @override
    def make(self, contest: Contest, folder: Path, seconds: float) -> Ready:
        return Ready()


ZERO_SHOT = ZeroShot()
