"""General text among the rows of a task: its share of tokens, of the loss, and its pieces."""

import pytest

from capotasto.tokens.replay import GENERAL, Replay, pieces
from capotasto.types import Encoded

LENGTHS = [20, 31, 25, 24, *[9, 11, 10]]  # four rows of a task, three of general text
GENERAL_ROWS = range(4, 7)


def row(tokens: int, learnt: int, task: str = "") -> Encoded:
    return Encoded(tuple(range(tokens)), (False,) * (tokens - learnt) + (True,) * learnt, task=task)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
def test_every_step_has_its_share_of_the_tokens(share: float) -> None:
    replay = Replay(GENERAL_ROWS, share, 0)
    batches = [[0, 1], [2], [3, 0], [1, 2, 3]] * 5
    total = own = 0
    for batch, mixed in zip(batches, replay.among(batches, LENGTHS, 0), strict=True):
        assert mixed[: len(batch)] == batch
        assert set(mixed[len(batch) :]) <= set(GENERAL_ROWS)
        own += sum(LENGTHS[one] for one in batch)
        total += sum(LENGTHS[one] for one in mixed)
        assert abs((total - own) - share * own / (1 - share)) <= 11 / 2 + 1e-9, "off by half a row at most"


def test_general_text_comes_in_passes_that_follow_from_the_seed() -> None:
    def drawn(seed: int, number: int) -> list[int]:
        mixed = Replay(GENERAL_ROWS, 0.3, seed).among([[0, 1]] * 6, LENGTHS, number)
        return [one for batch in mixed for one in batch[2:]]

    rows = drawn(0, 0)
    assert all(set(rows[i : i + 3]) == set(GENERAL_ROWS) for i in range(0, len(rows) - 2, 3))
    assert rows == drawn(0, 0)
    assert len({tuple(drawn(seed, number)) for seed in (0, 1) for number in range(4)}) > 3


def test_the_loss_has_the_same_share() -> None:
    """Mean loss of the task and mean loss of the text, mixed by the share, however few labels are supervised."""
    batch = [row(20, 1), row(12, 2), row(10, 9, GENERAL), row(8, 7, GENERAL)]
    nats = [3.0, 4.0, 18.0, 30.0]
    loss = sum(
        weight * nat
        for weight, nat in zip(
            Replay(range(2, 4), 0.1, 0).weights(batch, [row.learnt for row in batch]), nats, strict=True
        )
    )
    assert loss == pytest.approx(0.9 * 7 / 3 + 0.1 * 48 / 16)


def test_a_step_without_general_text_is_all_the_task() -> None:
    assert Replay(range(2, 4), 0.1, 0).weights([row(9, 1), row(9, 3)], [1, 3]) == pytest.approx([1 / 4, 1 / 4])


def test_pieces_are_even_and_hold_the_whole_text() -> None:
    text = Encoded(tuple(range(100)), (False,) + (True,) * 99, slot=1)
    found = pieces(text, 40)
    assert [len(piece.ids) for piece in found] == [33, 34, 33]
    assert [one for piece in found for one in piece.ids] == list(text.ids)
    assert [piece.learnt for piece in found] == [32, 33, 32]
    assert [piece.slot for piece in found] == [1, 0, 0]
    assert pieces(text, 100) == [text]
