"""Batches by a budget of tokens, rows of like length together, in an order that follows from seed and epoch alone.

Because an epoch's batches are a pure function, a place in the data is two numbers (epoch, batch), and going on after
a crash needs nothing else.
"""

from collections.abc import Sequence

import numpy as np


def epoch_batches(
    lengths: Sequence[int], batch_tokens: int, seed: int, epoch: int, rows: Sequence[int] | None = None
) -> list[list[int]]:
    """Row indices of each batch of one epoch.

    lengths:      tokens of each row
    batch_tokens: upper bound of the real tokens in a batch; a longer row stands alone
    rows:         those that the epoch has, some perhaps more than once; left out: each row once
    Lengths are disturbed by up to 10 % before sorting, so that batches differ from epoch to epoch.
    """
    random = np.random.default_rng([seed, epoch])
    chosen = np.arange(len(lengths)) if rows is None else np.asarray(rows)
    order = np.argsort(np.asarray(lengths)[chosen] * random.uniform(0.9, 1.1, len(chosen)), kind="stable")
    batches = cut(chosen[order].tolist(), lengths, batch_tokens)
    return [batches[i] for i in random.permutation(len(batches))]


def cut(order: Sequence[int], lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Rows in the given order, cut into even batches of at most `batch_tokens` tokens.

    Each batch takes an even share of what is left, so that no small one remains at the end.
    """
    left = sum(lengths[row] for row in order)
    share = left / max(1, -(-left // batch_tokens))
    batches: list[list[int]] = [[]]
    used = 0
    for row in order:
        if batches[-1] and (used >= share or used + lengths[row] > batch_tokens):
            left -= used
            share = left / -(-left // batch_tokens)
            batches.append([])
            used = 0
        batches[-1].append(row)
        used += lengths[row]
    return batches
