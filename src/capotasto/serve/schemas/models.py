"""/v1/models: what may stand in `model` (https://platform.openai.com/docs/api-reference/models)."""

from typing import Literal

from capotasto.serve.schemas.common import Answer


class Card(Answer):
    """The base, or an adapter on it. max_model_len: tokens of prompt and answer together."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "capotasto"
    root: str
    parent: str | None = None
    max_model_len: int | None = None


class Cards(Answer):
    """All that the key may call."""

    object: Literal["list"] = "list"
    data: list[Card]
