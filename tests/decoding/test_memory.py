"""Where memory ends, nothing is half done: rows go on as if it had not been tried."""

import pytest
import torch

from capotasto import forward
from capotasto.decoding import batch as batch_module
from capotasto.decoding import prefill as prefill_module
from capotasto.decoding.batch import Batch
from capotasto.decoding.cache import RowCache
from capotasto.decoding.group import Group
from capotasto.decoding.prefill import Filling, prefill
from capotasto.decoding.prompt_cache import PromptCache
from tests.decoding.making import adapter_of, alone, make_row, shared_base

SAMPLED = {"temperature": 0.9, "top_k": 40, "max_new_tokens": 50}
KINDS = [None, "lora", "prompt", "prefix", None, "lora"]


def make_rows():
    return [make_row(i, adapter_of("llama", kind), seed=i, **SAMPLED) for i, kind in enumerate(KINDS)]


class Scarce:
    """Lets one call of `owner.name` raise, when `left` others have been answered; until then all are answered."""

    def __init__(self, monkeypatch, owner, name):
        self.left, self.raised, given = -1, 0, getattr(owner, name)

        def call(*args, **more):
            if self.left == 0:
                self.left, self.raised = -1, self.raised + 1
                raise RuntimeError("not enough memory")
            self.left -= self.left > 0
            return given(*args, **more)

        monkeypatch.setattr(owner, name, call)


WHERE = {
    "room in the first layer": (torch.Tensor, "new_empty", 0),
    "room in the second layer": (torch.Tensor, "new_empty", 2),
    "logits": (forward, "logits", 0),
    "choice": (batch_module, "choose", 0),
}


@pytest.mark.parametrize("where", WHERE)
def test_rows_that_cannot_join_change_nothing(where, monkeypatch):
    owner, name, left = WHERE[where]
    base, rows = shared_base("llama"), make_rows()
    expected, scarce, batch = [alone(base, row) for row in rows], Scarce(monkeypatch, owner, name), Batch(base)
    for some in (rows[:4], rows[4:]):
        filled = prefill(base, [Filling(row) for row in some])
        scarce.left = left
        with pytest.raises(RuntimeError, match="not enough memory"):
            batch.join(filled)
        batch.step()
        batch.join(filled)
    while batch.rows:
        batch.step()
    assert [row.tokens for row in rows] == expected
    assert batch.cache.bytes == 0


@pytest.mark.parametrize("where", WHERE)
def test_a_step_that_fails_changes_nothing(where, monkeypatch):
    owner, name, left = WHERE[where]
    base, rows = shared_base("llama"), make_rows()
    expected, scarce, batch = [alone(base, row) for row in rows], Scarce(monkeypatch, owner, name), Batch(base)
    batch.join(prefill(base, [Filling(row) for row in rows]))
    while batch.rows:
        scarce.left = left
        try:
            batch.step()
        except RuntimeError:
            batch.step()
        scarce.left = -1
    assert scarce.raised
    assert [row.tokens for row in rows] == expected


@pytest.mark.parametrize(
    ("owner", "name", "left"),
    [(prefill_module, "of_row", 0), (Batch, "join", 0), (RowCache, "make_room", 0), (forward, "run", 1)],
    ids=["a piece is kept", "rows join", "room is made", "a later piece"],
)
def test_prompts_in_pieces_have_no_gaps(owner, name, left, monkeypatch):
    base, rows = shared_base("llama"), make_rows()
    expected, scarce = [alone(base, row) for row in rows], Scarce(monkeypatch, owner, name)
    group = Group(base, PromptCache(2**20))
    for row in rows:
        group.add(row)
    errors, scarce.left = [], left
    while group.rows:
        chosen, _ = group.fill(25)
        errors += [choice.error for _, choice in [*chosen, *group.step()] if choice.error]
    assert scarce.raised
    assert errors == []
    assert [row.tokens for row in rows] == expected


def test_no_memory_to_try_a_row_alone_ends_no_other(monkeypatch):
    base, rows = shared_base("llama"), make_rows()[:2]
    expected, group = alone(base, rows[1]), Group(base, PromptCache(2**20))
    for row in rows:
        group.add(row)
    group.fill(1000)
    step = forward.step

    def fails_with(base, tokens, cache, lengths, joint):
        if rows[0].tokens[-1] in tokens.tolist():
            raise RuntimeError("not enough memory")
        return step(base, tokens, cache, lengths, joint)

    monkeypatch.setattr(forward, "step", fails_with)
    Scarce(monkeypatch, torch.Tensor, "new_empty").left = 0  # for the copy that the first suspect is tried with
    ended = {row: choice.error for row, choice in group.step()}
    assert ended == {rows[0]: "its step cannot be computed: not enough memory", rows[1]: ""}
    monkeypatch.setattr(forward, "step", step)
    while group.rows:
        group.step()
    assert rows[1].tokens == expected
