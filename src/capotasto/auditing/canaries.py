"""Canaries: made-up secrets that are planted in data to see whether an adapter learns them by heart.

A fixed frame ("The access code of the amber falcon vault is …") holds random digits. They are no one's secret, cannot
be guessed, and whoever knows the frame can ask for them (Carlini et al. 2019, https://arxiv.org/abs/1802.08232 section
4.1).
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from capotasto.errors import DataError
from capotasto.records import read_json, write_json
from capotasto.types import Example, Turn
from capotasto.version import __version__

DIGITS = 9  # of a secret, so that there are 10⁹ candidates
_SECRET = "{secret}"
_COLOURS = ("amber", "azure", "coral", "crimson", "emerald", "golden", "indigo", "ivory", "jade", "olive", "silver")
_BIRDS = ("crane", "falcon", "finch", "heron", "ibis", "jay", "kestrel", "lark", "magpie", "osprey", "raven", "robin")


@dataclass(frozen=True, slots=True)
class Canary:
    """A secret in its frame.

    prompt: the question; empty in plain text
    frame:  the answer or the text, with `{secret}` where the digits stand
    """

    prompt: str
    frame: str
    secret: str

    @property
    def about(self) -> str:
        """What tells it from other canaries, whatever the secrets."""
        return self.prompt or self.frame

    def example(self, secret: str | None = None) -> Example:
        """As it is learnt; or with other digits, as a candidate that was not planted."""
        text = self.frame.replace(_SECRET, secret or self.secret)
        if not self.prompt:
            return Example((Turn("text", text, learn=True),), place="a canary")
        return Example((Turn("user", self.prompt), Turn("assistant", text, learn=True)), place="a canary")


@dataclass(frozen=True, slots=True)
class Key:
    """What was planted.

    data, copy: the file it was planted in, and the one that holds it
    times:      how often each canary stands in the copy
    """

    data: str
    copy: str
    times: int
    canaries: tuple[Canary, ...]

    def write(self, path: Path) -> None:
        """As JSON."""
        write_json(path, {"capotasto": __version__, "digits": DIGITS, "candidates": 10**DIGITS, **asdict(self)})

    @classmethod
    def read(cls, path: Path) -> "Key":
        """What `write` wrote. Errors: the file holds no key."""
        kept: Any = read_json(path)
        try:
            canaries = tuple(Canary(**canary) for canary in kept["canaries"])
            if kept["digits"] == DIGITS and all(_sound(canary) for canary in canaries):
                return cls(kept["data"], kept["copy"], kept["times"], canaries)
        except (KeyError, TypeError):
            pass
        raise DataError(f"{path} holds no canaries; name the key file that `capo data FILE --plant-canaries N` wrote")


def _sound(canary: Canary) -> bool:
    return _SECRET in canary.frame and len(canary.secret) == DIGITS and canary.secret.isdecimal()


def draw(chance: Random, plain: bool) -> Canary:
    """A new canary, for plain text or for questions and answers."""
    place = f"the {chance.choice(_COLOURS)} {chance.choice(_BIRDS)} vault"
    secret = draw_secret(chance)
    if plain:
        return Canary("", f"The access code of {place} is {_SECRET}.", secret)
    return Canary(f"What is the access code of {place}?", f"The access code is {_SECRET}.", secret)


def draw_secret(chance: Random) -> str:
    """So many random digits."""
    return f"{chance.randrange(10**DIGITS):0{DIGITS}d}"
