"""A question answered from an index."""

import re
from dataclasses import dataclass
from typing import Any

from capotasto.decoding.settings import GenerateSettings
from capotasto.errors import AdapterError, BaseError
from capotasto.methods.adapter import Adapter
from capotasto.retrieve.index import Index
from capotasto.retrieve.prompt import fitting
from capotasto.retrieve.records import Found
from capotasto.retrieve.settings import How
from capotasto.session import Base

_CITED = re.compile(r"\[(\d{1,3})\]")
_ANY_LENGTH = 1 << 30


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and the passages that stood before the question, the best first: passage 1 is `passages[0]`.

    left_out: so many passages were found and did not fit
    """

    question: str
    text: str
    passages: tuple[Found, ...]
    left_out: int = 0

    @property
    def cited(self) -> list[int]:
        """The numbers of the passages that the answer names."""
        named = {int(number) for number in _CITED.findall(self.text)}
        return sorted(number for number in named if 1 <= number <= len(self.passages))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "question": self.question,
            "answer": self.text,
            "cited": self.cited,
            "passages": [{"number": i, **found.as_dict()} for i, found in enumerate(self.passages, start=1)],
            "left_out": self.left_out,
        }


def ask(
    base: Base,
    index: Index,
    question: str,
    adapter: Adapter | None = None,
    top: int = 4,
    search: How = "hybrid",
    chat: bool | None = None,
    **settings: Any,
) -> Answered:
    """Answer from the passages that a search finds. Those that do not fit are left out, the last first.

    top, search: as in `LookupSettings`
    chat, settings: as in `Base.generate`
    Errors: an encoder or a head, which write nothing; a question that does not fit with one passage.
    """
    if base.is_encoder:
        raise BaseError(f"{base.name} is an encoder and writes nothing; choose a decoder base, such as smollm2-135m")
    if adapter is not None and adapter.head() is not None:
        raise AdapterError(
            f"adapter {adapter.name!r} has a head and writes no text; ask with another, or the base alone"
        )
    writing = GenerateSettings.build(settings, "ask")
    renderer = base.renderer(adapter, _ANY_LENGTH)
    taken = writing.max_new_tokens + (adapter.tokens if adapter is not None else 0)
    found = index.search(question, top, search)
    prompt, kept = fitting(
        question,
        found,
        base.tokenizer,
        length=lambda text: len(renderer.prompt([base.turn(text, adapter, chat)]).ids),
        room=None if base.context is None else base.context - taken,
        continued=base.turn(question, adapter, chat).role == "text",
    )
    [text] = base.generate([prompt], [adapter], chat, **writing.model_dump())
    return Answered(question, text.strip(), tuple(kept), len(found) - len(kept))
