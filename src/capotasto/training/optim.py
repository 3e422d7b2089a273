"""Learning rates: how large a step is for vectors of a given size, and how it changes over a training."""

import math

WARM_UP = 0.05  # share of the steps
FLOOR = 0.05  # the last learning rate as a share of the peak
ANGLE = 0.2  # peak step of Adam as a share of an embedding number's root mean square


def angular(rms: float) -> float:
    """The peak learning rate for vectors whose numbers have this root mean square.

    Adam moves every number by about the learning rate, so lr / rms is the angle by which a vector turns in a step;
    what turns a vector at the same pace suits bases of any width and scale (measured in dev/log.md).
    """
    return ANGLE * rms


def learning_rate_at(step: int, steps: int, peak: float) -> float:
    """Linear warm-up, then half a cosine down to a twentieth (https://arxiv.org/abs/1608.03983 section 3)."""
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return peak * (step + 1) / warm
    done = (step - warm) / max(1, steps - warm)
    return peak * (FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * done)) / 2)
