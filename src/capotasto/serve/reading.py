"""What a request says, as token ids: read as the adapter expects it, and never cut."""

from collections.abc import Sequence

from capotasto.methods.adapter import Adapter
from capotasto.serve.faults import RefusedError
from capotasto.session import Base
from capotasto.types import Encoded, Turn


def plain(base: Base, given: Sequence[str] | Sequence[Sequence[int]], adapter: Adapter | None) -> list[Encoded]:
    """Texts, or token ids, to be continued."""
    return [text(base, one, adapter) if isinstance(one, str) else ids(base, one, adapter) for one in given]


def text(base: Base, given: str, adapter: Adapter | None) -> Encoded:
    """A text to be continued."""
    _not_in_system_turn(adapter)
    return _whole(base, base.renderer(adapter).prompt([Turn("text", given)]), adapter)


def ids(base: Base, given: Sequence[int], adapter: Adapter | None) -> Encoded:
    """Token ids to be continued. Errors: one that the base does not know."""
    _not_in_system_turn(adapter)
    wrong = next((one for one in given if not 0 <= one < base.vocabulary_size), None)
    if wrong is not None:
        raise RefusedError(f"token {wrong} is none of the base's, 0 to {base.vocabulary_size - 1}", param="prompt")
    return _whole(base, base.renderer(adapter).given(given), adapter)


def dialogue(base: Base, turns: Sequence[Turn], adapter: Adapter | None) -> Encoded:
    """Messages to be answered."""
    return _whole(base, base.renderer(adapter).prompt(turns), adapter)


def question(base: Base, given: str, adapter: Adapter | None) -> Encoded:
    """A text in the form that the adapter was trained on."""
    return _whole(base, base.renderer(adapter).prompt([base.turn(given, adapter)]), adapter)


def room(base: Base, row: Encoded, adapter: Adapter | None, wanted: int | None, default: int) -> int:
    """How many tokens may be written: those wanted, or `default` and what fits. Errors: they do not fit."""
    virtual = adapter.tokens if adapter is not None else 0
    taken = len(row.ids) + virtual
    left = (base.context - taken) if base.context is not None else (wanted or default)
    if left < (1 if wanted is None else wanted):
        raise RefusedError(
            f"the prompt has {len(row.ids)} tokens{_virtual(virtual)}, and {wanted or 1} new ones make"
            f" {taken + (wanted or 1)}: the context has {base.context}; shorten it or lower max_tokens",
            code="context_length_exceeded",
        )
    return min(default, left) if wanted is None else wanted


def _whole(base: Base, row: Encoded, adapter: Adapter | None) -> Encoded:
    """The row itself. Errors: it is empty, or too long."""
    virtual = adapter.tokens if adapter is not None else 0
    if not row.ids and (adapter is None or adapter.embeds() is None):
        raise RefusedError("the prompt is empty; write something", param="prompt")
    wanted = len(row.ids) + row.cut + virtual
    if base.context is not None and wanted > base.context:
        raise RefusedError(
            f"the prompt has {len(row.ids) + row.cut} tokens{_virtual(virtual)}, and the context has {base.context};"
            " shorten it",
            code="context_length_exceeded",
        )
    return row


def _not_in_system_turn(adapter: Adapter | None) -> None:
    if adapter is not None and adapter.placement == "system":
        raise RefusedError(
            f"adapter {adapter.name!r} stands in the system turn of a dialogue; ask /v1/chat/completions", param="model"
        )


def _virtual(count: int) -> str:
    return f" and the adapter {count} virtual ones" if count else ""
