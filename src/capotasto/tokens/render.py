"""Token ids and loss mask of an example, made together, here and nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from capotasto.errors import DataError, SettingError
from capotasto.types import Encoded, Example, Turn

PLACEMENTS = ("front", "after_bos", "system")
_SLOT = "\u2063capotasto\u2063"  # stands in a template for the virtual tokens


@dataclass(frozen=True)
class Renderer:
    """Turns examples into `Encoded` for one tokenizer, one placement and one length.

    placement:  `front` (before everything), `after_bos`, or `system` (inside the chat template's system turn)
    max_length: tokens of a row without virtual tokens; longer rows lose tokens on the left of the prompt
    """

    tokenizer: Any
    placement: str = "front"
    max_length: int = 1024

    def __post_init__(self) -> None:
        if self.placement not in PLACEMENTS:
            raise SettingError(f"unknown placement {self.placement!r}; known: {', '.join(PLACEMENTS)}")

    @property
    def chat(self) -> bool:
        """True where dialogues are rendered with the model's own template."""
        return bool(getattr(self.tokenizer, "chat_template", None))

    def encode(self, example: Example) -> Encoded:
        """The whole example. Errors: nothing to learn from, or a completion that does not fit."""
        pieces = self._pieces(example.turns)
        ids, learn, slot = self._join(pieces)
        if not any(learn):
            raise DataError(f"{example.place}: no token of this row is supervised; give it a completion")
        return self._fit(ids, learn, slot, example.place)

    def prompt(self, turns: Sequence[Turn]) -> Encoded:
        """The turns up to where the model is to answer; with plain text, the text to be continued."""
        if turns[0].role == "text":
            pieces = [(turns[0].content, False)]
        else:
            pieces = self._pieces((*turns, Turn("assistant", "", learn=True)))[:-1]
        ids, learn, slot = self._join(pieces)
        cut = max(0, len(ids) - self.max_length)
        kept = slice(slot + cut, None)
        return Encoded((*ids[:slot], *ids[kept]), (*learn[:slot], *learn[kept]), slot, cut)

    def answer(self, prompt: Encoded, content: str) -> Encoded:
        """`prompt` followed by an answer, of which every token is learnt, its end included."""
        ids = self._ids(content + self.end)
        return Encoded((*prompt.ids, *ids), (*(False,) * len(prompt.ids), *(True,) * len(ids)), prompt.slot, prompt.cut)

    def _pieces(self, turns: Sequence[Turn]) -> list[tuple[str, bool]]:
        """Texts in order, each with whether it is learnt."""
        if turns[0].role == "text":
            return [(turns[0].content, True)]
        if not self.chat:
            return self._without_template(turns)
        return self._with_template(turns)

    def _without_template(self, turns: Sequence[Turn]) -> list[tuple[str, bool]]:
        pieces: list[tuple[str, bool]] = []
        for turn in turns:
            pieces.append((turn.content + (self.end if turn.role == "assistant" else "\n"), turn.learn))
        return pieces

    def _with_template(self, turns: Sequence[Turn]) -> list[tuple[str, bool]]:
        """The template's text cut at the learnt turns, so that prompts have the same ids in training and in use."""
        if self.placement == "system":
            turns = _with_slot(turns)
        pieces, done = [], ""
        for i, turn in enumerate(turns):
            if turn.learn:
                before = self._template(turns[:i], open_answer=True)
                pieces.append((before.removeprefix(done), False))
                pieces.append((turn.content + self.end, True))
                done = before + turn.content + self.end
                whole = self._template(turns[: i + 1])
                done = done if whole.startswith(done) else whole
        return pieces

    def _template(self, turns: Sequence[Turn], open_answer: bool = False) -> str:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        return self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=open_answer)

    @cached_property
    def end(self) -> str:
        """What closes an answer: what the chat template writes after one, or the end-of-text token."""
        if self.chat:
            question = [Turn("user", "a")]
            before = self._template(question, open_answer=True)
            whole = self._template([*question, Turn("assistant", "b")])
            tail = whole.removeprefix(before + "b").strip()
            if whole.startswith(before + "b") and tail:
                return tail
        return self.tokenizer.eos_token or ""

    @cached_property
    def stops(self) -> list[int]:
        """Token ids that end an answer."""
        ids = {self.tokenizer.eos_token_id, *self._ids(self.end)[:1]}
        return sorted(i for i in ids if i is not None)

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _join(self, pieces: list[tuple[str, bool]]) -> tuple[list[int], list[bool], int]:
        """Ids, mask and slot. The very first token is never learnt: a bare base has nothing to predict it from."""
        ids: list[int] = []
        learn: list[bool] = []
        slot = None
        for text, learnt in pieces:
            for i, part in enumerate(text.split(_SLOT)):
                slot = len(ids) if i else slot
                new = self._ids(part)
                ids += new
                learn += [learnt] * len(new)
        bos = self._bos()
        if bos is not None and ids[:1] != [bos]:
            ids, learn, slot = [bos, *ids], [False, *learn], slot if slot is None else slot + 1
        if learn:
            learn[0] = False
        return ids, learn, self._slot(ids, slot)

    def _bos(self) -> int | None:
        """The token this tokenizer puts before a text of its own accord, if it does."""
        bos = self.tokenizer.bos_token_id
        return bos if bos is not None and self.tokenizer("a")["input_ids"][:1] == [bos] else None

    def _slot(self, ids: list[int], slot: int | None) -> int:
        if slot is not None:
            return slot
        after = self.placement == "after_bos" and ids[:1] == [self.tokenizer.bos_token_id]
        return 1 if after else 0

    def _fit(self, ids: list[int], learn: list[bool], slot: int, place: str) -> Encoded:
        excess = len(ids) - self.max_length
        if excess <= 0:
            return Encoded(tuple(ids), tuple(learn), slot)
        first = learn.index(True)
        if first <= 1 and not any(not flag for flag in learn[1:]):  # plain text: its beginning is kept
            return Encoded(tuple(ids[: self.max_length]), tuple(learn[: self.max_length]), slot, excess)
        if excess > first - slot:
            raise DataError(
                f"{place}: the completion takes {len(ids) - first} tokens and {self.max_length} fit;"
                " shorten it or raise --max-length"
            )
        kept = slice(slot + excess, None)
        return Encoded((*ids[:slot], *ids[kept]), (*learn[:slot], *learn[kept]), slot, excess)


def _with_slot(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """The dialogue with the slot's mark at the beginning of its system turn."""
    if turns[0].role == "system":
        return (Turn("system", f"{_SLOT}\n{turns[0].content}"), *turns[1:])
    return (Turn("system", _SLOT), *turns)
