"""Whether a row can be written at all on a base."""

from capotasto.base.frozen import FrozenBase
from capotasto.decoding.row import Row
from capotasto.errors import BaseError, DataError


def check_room(base: FrozenBase, row: Row, who: str) -> None:
    """Errors: an encoder, an empty prompt, a row longer than the context. `who` is what a message calls the prompt."""
    if base.is_encoder:
        raise BaseError(f"{base.name} is an encoder and writes nothing; choose a decoder base, such as smollm2-135m")
    tokens, most = len(row.prompt.ids), row.settings.max_new_tokens
    if not tokens and (row.adapter is None or row.adapter.embeds() is None):
        raise DataError(f"{who} is empty; write something to be continued")
    if base.context is not None and row.length + most > base.context:
        raise DataError(
            f"{who} has {tokens} tokens and {row.length - tokens} virtual ones: with {most}"
            f" new ones it does not fit the context of {base.context}; shorten it or lower --max-new-tokens"
        )
