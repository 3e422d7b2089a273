"""Token ids and loss mask of an example, made together, here and nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from jinja2 import TemplateError

from capotasto.base.reason import reason
from capotasto.errors import DataError, SettingError, nearest
from capotasto.types import Encoded, Example, Turn

PLACEMENTS = ("front", "after_bos", "system")
_SLOT = "\u2063capotasto\u2063"  # stands in a template for the virtual tokens


@dataclass(frozen=True)
class Renderer:
    """Turns examples into `Encoded` for one tokenizer, one placement and one length.

    placement:  `front` (before everything), `after_bos`, or `system` (inside the chat template's system turn)
    max_length: tokens of a row without virtual tokens; longer rows lose tokens on the left of the prompt

    The template's text and the turns' texts become ids together, as chat templates are meant to be read. So a turn that
    spells a control token (`<|im_end|>`) contains that token: remove such spellings from texts you do not trust.
    """

    tokenizer: Any
    placement: str = "front"
    max_length: int = 1024

    def __post_init__(self) -> None:
        if self.placement not in PLACEMENTS:
            raise SettingError(f"unknown placement {self.placement!r}; {nearest(self.placement, PLACEMENTS)}")
        if self.placement == "system" and not self._takes_system():
            raise SettingError(
                "placement system needs a chat template that takes a system turn, and this base has none;"
                " use --placement front"
            )

    @property
    def chat(self) -> bool:
        """True where dialogues are rendered with the model's own template."""
        return bool(getattr(self.tokenizer, "chat_template", None))

    def encode(self, example: Example) -> Encoded:
        """The whole example. Errors: nothing to learn from, or a completion that does not fit."""
        place = example.place or "the example"
        ids, learn, slot = self._join(self._pieces(example.turns, place))
        if not any(learn):
            raise DataError(f"{place}: no token of this row is supervised; give it a completion")
        return self._fit(ids, learn, slot, place)

    def windows(self, example: Example) -> list[Encoded]:
        """The whole example; a plain text that is too long as several rows of even length, none of it lost.

        Each begins with one token that is not learnt: the beginning-of-text token where the tokenizer writes one, else
        the last token of the window before, from which its first one is predicted.
        """
        if not example.plain:
            return [self.encode(example)]
        ids, _, slot = self._join(self._pieces(example.turns, example.place))
        if len(ids) <= self.max_length:
            return [self.encode(example)]
        bos, room = self._bos(), self.max_length - 1
        count = -(-(len(ids) - 1) // room)
        ends = [1 + i * (len(ids) - 1) // count for i in range(count + 1)]
        rows = [((ids[start - 1] if bos is None else bos), *ids[start:end]) for start, end in pairwise(ends)]
        return [Encoded(row, (False, *[True] * (len(row) - 1)), slot) for row in rows]

    def prompt(self, turns: Sequence[Turn], room: int = 0) -> Encoded:
        """The turns up to where the model is to answer; with plain text, the text to be continued.

        room: tokens of `max_length` that are left free for the answer
        """
        if turns[0].role == "text":
            pieces = [(text, False) for text, _ in self._pieces(turns, "the prompt")]
        else:
            pieces = self._pieces((*turns, Turn("assistant", "", learn=True)), "the prompt")[:-1]
        ids, learn, slot = self._join(pieces)
        row = self._without(ids, learn, slot, max(0, len(ids) + room - self.max_length))
        return replace(row, continued=turns[0].role == "text")

    def given(self, ids: Sequence[int]) -> Encoded:
        """A prompt of ready token ids, none of which is cut. The placement `system` has no slot in it."""
        return Encoded(tuple(ids), (False,) * len(ids), self._slot(list(ids), None), continued=True)

    def answer(self, prompt: Encoded, content: str) -> Encoded:
        """`prompt` followed by an answer, of which every token is learnt, its end included."""
        ids = self._ids(content + self.end)
        return Encoded((*prompt.ids, *ids), (*(False,) * len(prompt.ids), *(True,) * len(ids)), prompt.slot, prompt.cut)

    def longest(self, answers: Sequence[str]) -> int:
        """Tokens of the longest of these answers, its end included."""
        return max(len(self._ids(content + self.end)) for content in answers)

    def _pieces(self, turns: Sequence[Turn], place: str) -> list[tuple[str, bool]]:
        """Texts in order, each with whether it is learnt."""
        if turns[0].role == "text":
            if self.placement == "system":
                raise SettingError(f"{place} is plain text and has no system turn; use --placement front")
            return [(turns[0].content, True)]
        if not self.chat:
            return self._without_template(turns)
        try:
            return self._with_template(turns)
        except TemplateError as error:
            why = reason(error)
            raise DataError(f"{place}: the base's chat template refuses it ({why}); change its turns") from None

    def _without_template(self, turns: Sequence[Turn]) -> list[tuple[str, bool]]:
        pieces: list[tuple[str, bool]] = []
        for turn in turns:
            pieces.append((turn.content + (self.end if turn.role == "assistant" else "\n"), turn.learn))
        return pieces

    def _with_template(self, turns: Sequence[Turn]) -> list[tuple[str, bool]]:
        """The template's text cut at the learnt turns, so that prompts have the same ids in training and in use."""
        if self.placement == "system":
            turns = _with_slot(turns)
        pieces: list[tuple[str, bool]] = []
        forms = [""]  # what is in `pieces`, as it was put together and as the template has it
        for i, turn in enumerate(turns):
            if turn.learn:
                before = self._template(turns[:i], open_answer=True)
                done = next((form for form in forms if before.startswith(form)), None)
                if done is None:  # a template that rewrites earlier turns: they are read here, and not learnt
                    pieces, done = [], ""
                pieces += [(before.removeprefix(done), False), (turn.content + self.end, True)]
                forms = [before + turn.content + self.end, self._template(turns[: i + 1])]
        return pieces

    def _template(self, turns: Sequence[Turn], open_answer: bool = False) -> str:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        return self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=open_answer)

    def _takes_system(self) -> bool:
        try:
            return self.chat and _SLOT in self._template(_with_slot([Turn("user", "a")]))
        except TemplateError:
            return False

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
        return list(self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])  # we see to lengths

    def _join(self, pieces: list[tuple[str, bool]]) -> tuple[list[int], list[bool], int]:
        """Ids, mask and slot. The very first token is never learnt: a bare base has nothing to predict it from."""
        ids: list[int] = []
        learn: list[bool] = []
        slot = None
        for text, learnt in pieces:
            marked = self.placement == "system" and slot is None  # a mark in the user's own text is text
            for i, part in enumerate(text.split(_SLOT, 1) if marked else [text]):
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
        excess = max(0, len(ids) - self.max_length)
        first = learn.index(True)
        if excess and all(learn[1:]):  # plain text: its beginning is kept
            return Encoded(tuple(ids[:-excess]), tuple(learn[:-excess]), slot, excess)
        if excess > first - max(1, self._head(ids, slot)):  # one token stays, to predict the first learnt one from
            raise DataError(
                f"{place}: the completion takes {len(ids) - first} tokens, and a row may have {self.max_length} in all;"
                " shorten it, raise --max-length or take a base with a longer context"
            )
        return self._without(ids, learn, slot, excess)

    def _without(self, ids: list[int], learn: list[bool], slot: int, cut: int) -> Encoded:
        """The row without the first `cut` tokens behind its head."""
        head = self._head(ids, slot)
        kept = slice(head + cut, None)
        return Encoded((*ids[:head], *ids[kept]), (*learn[:head], *learn[kept]), slot, cut)

    def _head(self, ids: list[int], slot: int) -> int:
        """How many tokens are never cut: what stands before the slot, and the beginning-of-text token."""
        return max(slot, int(bool(ids) and ids[0] == self.tokenizer.bos_token_id))


def _with_slot(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """The dialogue with the slot's mark at the beginning of its system turn."""
    if turns[0].role == "system":
        return (Turn("system", f"{_SLOT}\n{turns[0].content}"), *turns[1:])
    return (Turn("system", _SLOT), *turns)
