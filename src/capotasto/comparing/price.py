"""What a contender costs, in one number: what decides between those that are equally good."""

from collections.abc import Mapping
from math import log2
from typing import Any

# So much of each is next to nothing. Beyond it, every doubling costs one point.
TOKENS = 32  # added to each request
BYTES = 1e6  # on disk, for each task
SECONDS = 60.0  # of training and of choosing settings


def price(costs: Mapping[str, Any]) -> float:
    """Points for tokens added to each request, bytes for each task, and seconds of training and choosing together.

    Doublings, because costs differ by orders of magnitude: 400 tokens in every request weigh like a file of 12.5 MB. A
    cost that was not measured counts as none.
    """
    seconds = _known(costs, "train_seconds") + _known(costs, "search_seconds")
    shares = (_known(costs, "added_tokens") / TOKENS, _known(costs, "bytes") / BYTES, seconds / SECONDS)
    return sum(log2(1 + share) for share in shares)


def cheap(costs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Of contenders with their costs, those that cost hardly more than the cheapest: by less than one point."""
    prices = {name: price(own) for name, own in costs.items()}
    return [name for name, own in prices.items() if own < min(prices.values()) + 1]


def _known(costs: Mapping[str, Any], name: str) -> float:
    return max(0.0, float(costs.get(name) or 0.0))
