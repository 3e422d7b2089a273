"""Token ids for encoders: [CLS] text [SEP], cut on the right."""

from collections.abc import Sequence
from functools import cached_property

from typing_extensions import override

from capotasto.base.frozen import FrozenBase
from capotasto.errors import DataError
from capotasto.tokens.render import Renderer
from capotasto.types import Encoded, Example, Turn


class EncoderRenderer(Renderer):
    """As `Renderer`, but the text stands between the tokens that this tokenizer puts around any text, which are never
    cut. With the placement `after_bos` virtual tokens stand behind the first of them.
    """

    @override
    def encode(self, example: Example) -> Encoded:
        raise writes_nothing(example.place or "the example")

    @override
    def prompt(self, turns: Sequence[Turn], room: int = 0) -> Encoded:
        before, behind = self._around
        ids = self._ids("\n\n".join(turn.content for turn in turns))
        keep = max(0, self.max_length - room - len(before) - len(behind))
        whole = (*before, *ids[:keep], *behind)
        slot = len(before) if self.placement == "after_bos" else 0
        return Encoded(whole, (False,) * len(whole), slot, max(0, len(ids) - keep))

    @cached_property
    def _around(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What the tokenizer puts before and behind a text of its own accord."""
        plain = self._ids("a")
        whole = list(self.tokenizer("a")["input_ids"])
        start = next((i for i in range(len(whole)) if whole[i : i + len(plain)] == plain), 0)
        return tuple(whole[:start]), tuple(whole[start + len(plain) :])


def writes_nothing(place: str) -> DataError:
    """The error where rows without labels meet an encoder."""
    return DataError(
        f"{place} has no label to choose, and an encoder writes nothing; choose a decoder base, or map a column of"
        " labels: --map text=COLUMN --map label=COLUMN"
    )


def renderer_of(base: FrozenBase, placement: str, max_length: int) -> Renderer:
    """How rows become token ids on this base."""
    return (EncoderRenderer if base.is_encoder else Renderer)(base.tokenizer, placement, max_length)
