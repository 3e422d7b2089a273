"""Successive halving: all trials learn a little, the best of them learn on (https://arxiv.org/abs/1502.07943)."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Rung:
    """A height at which trials are compared.

    share:  of all the looks that a trial has in its full length; its first step is there
    trials: how many learn up to here at most
    """

    share: float
    trials: int


def rungs(trials: int, halving: int, looks: int) -> list[Rung]:
    """From the first rung to the last, which is the full length. Rungs that fall on the same look are one.

    halving: one trial in so many goes on, for as many times more training
    looks:   how often a trial is looked at in its full length
    """
    heights = math.floor(math.log(trials, halving) + 1e-9)
    every = [Rung(float(halving) ** (rung - heights), trials // halving**rung) for rung in range(heights + 1)]
    found: list[Rung] = []
    for rung in every:
        if not found or look_number(rung.share, looks) > look_number(found[-1].share, looks):
            found.append(rung)
    return found


def look_number(share: float, looks: int) -> int:
    """The look, counted from 1, at which this share of a trial's length is reached."""
    return max(1, math.ceil(share * looks - 1e-9))
