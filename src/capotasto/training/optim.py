"""How the learning rate changes over a training."""

import math

WARM_UP = 0.05  # share of the steps
FLOOR = 0.05  # the last learning rate as a share of the peak


def learning_rate_at(step: int, steps: int, peak: float) -> float:
    """Linear warm-up, then half a cosine down to a twentieth (https://arxiv.org/abs/1608.03983 section 3)."""
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return peak * (step + 1) / warm
    done = (step - warm) / max(1, steps - warm)
    return peak * (FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * done)) / 2)
