"""Many prompts at once to their answers: all begin together, and each leaves when it is done."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.decoding.batch import Batch, Chosen
from capotasto.decoding.prefill import Filling, prefill
from capotasto.decoding.room import check_room
from capotasto.decoding.row import Row
from capotasto.decoding.settings import GenerateSettings
from capotasto.decoding.text import Text
from capotasto.errors import AdapterError
from capotasto.methods.adapter import Adapter
from capotasto.packed import packed
from capotasto.types import Encoded

WORTH_PACKING = 16  # new tokens from which on packing the weights takes less time than it saves


def stream(base: FrozenBase, rows: Sequence[Row]) -> Iterator[Chosen]:
    """Write rows that may share a batch; every step yields the new token of each row still going.

    A row to which a `finish` is given in between is written no further. Errors: a prompt that does not fit, an adapter
    from whose logits nothing can be chosen.
    """
    for i, row in enumerate(rows):
        check_room(base, row, f"prompt {i + 1}")
    worth = max(row.settings.max_new_tokens for row in rows) >= WORTH_PACKING
    with packed(forward.model_of(base, [row.adapter for row in rows])) if worth else nullcontext():
        batch = Batch(base)
        filled = prefill(base, [Filling(row) for row in rows])
        assert filled is not None  # nothing limits a piece
        chosen = batch.join(filled)
        while chosen:
            if error := next((choice.error for _, choice in chosen if choice.error), ""):
                raise AdapterError(error)
            yield chosen
            for row in [row for row in batch.rows if row.finish]:
                batch.leave(row)
            chosen = batch.step()


def generate(
    base: FrozenBase,
    prompts: Sequence[Encoded],
    adapters: Sequence[Adapter | None],
    settings: GenerateSettings,
    ends: Sequence[int] = (),
) -> list[list[int]]:
    """For each prompt its new token ids, without the end; row i carries `adapters[i]`."""
    rows = [Row(prompt, adapter, settings, ends) for prompt, adapter in zip(prompts, adapters, strict=True)]
    for _ in stream(base, rows):
        pass
    return [[token for token in row.tokens if token not in row.ends] for row in rows]


def texts(
    base: FrozenBase,
    prompts: Sequence[Encoded],
    adapters: Sequence[Adapter | None],
    settings: GenerateSettings,
    ends: Sequence[int] = (),
    stops: Sequence[str] = (),
) -> list[str]:
    """The same as text, up to the first of `stops`."""
    rows = [Row(prompt, adapter, settings, ends) for prompt, adapter in zip(prompts, adapters, strict=True)]
    said = {row: Text.of(base.tokenizer, row, stops) for row in rows}
    found = dict.fromkeys(rows, "")
    for chosen in stream(base, rows):
        for row, choice in chosen:
            if choice.token not in row.ends:
                found[row] += said[row].add(choice.token)
            if said[row].stopped:
                row.finish = "stop"
            elif row.finish:
                found[row] += said[row].end()
    return [found[row] for row in rows]
