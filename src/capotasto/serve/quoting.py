"""What an index has on a request's last message, put before it."""

from collections.abc import Sequence
from functools import partial

from capotasto.errors import DataError
from capotasto.methods.adapter import Adapter
from capotasto.retrieve.prompt import fitting
from capotasto.serve.faults import RefusedError
from capotasto.serve.schemas.chat import ChatRequest, Quoted
from capotasto.serve.service import Call, Service
from capotasto.types import Turn

_ANY_LENGTH = 1 << 30


async def with_passages(
    service: Service, call: Call, body: ChatRequest, turns: list[Turn], adapter: Adapter | None
) -> tuple[list[Turn], list[Quoted] | None]:
    """The turns, the last of them with as many passages before it as fit, and these; without an index all as it was.

    Errors: an index that is not theirs, a last message that is no user's, no room for a single passage.
    """
    if body.index is None:
        return turns, None
    if turns[-1].role != "user":
        raise RefusedError("the last message is not a user's, so there is nothing to look up", param="messages")
    question = turns[-1].content
    found = await service.indices.search(call.tenant, body.index, question, body.index_top, body.index_search)
    room = _room(service, body, adapter)
    length = partial(_length, service, turns[:-1], adapter)
    try:
        fits = partial(fitting, question, found, service.base.tokenizer, length, room)
        prompt, kept = await service.read(fits)
    except DataError as error:
        raise RefusedError(str(error), param="index") from None
    quoted = [Quoted(number=number, **one.as_dict()) for number, one in enumerate(kept, start=1)]
    return [*turns[:-1], Turn("user", prompt)], quoted


def _room(service: Service, body: ChatRequest, adapter: Adapter | None) -> int | None:
    """Tokens that the prompt may have. Where the request does not say how much is to be written, half of the context is
    enough for it."""
    context = service.base.context
    if context is None:
        return None
    wanted = body.wanted or min(service.settings.default_tokens, context // 2)
    return context - wanted - (adapter.tokens if adapter is not None else 0)


def _length(service: Service, before: Sequence[Turn], adapter: Adapter | None, text: str) -> int:
    row = service.base.renderer(adapter, _ANY_LENGTH).prompt([*before, Turn("user", text)])
    return len(row.ids)
