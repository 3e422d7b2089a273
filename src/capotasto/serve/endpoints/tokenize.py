"""/tokenize."""

from functools import partial

from pydantic import BaseModel

from capotasto.serve import reading
from capotasto.serve.endpoints.endpoint import Endpoint
from capotasto.serve.schemas.tokenize import TokenizeRequest, Tokens
from capotasto.serve.service import Call, Service


async def create(service: Service, call: Call, body: TokenizeRequest) -> BaseModel:
    """Tell the token ids of a prompt."""
    resident = await service.resident(call, body.model)
    adapter = None if resident is None else resident.adapter
    if body.messages is None:
        work = partial(reading.text, service.base, body.prompt or "", adapter)
    else:
        work = partial(reading.dialogue, service.base, [message.turn for message in body.messages], adapter)
    ids = list((await service.read(work)).ids)
    texts = service.base.tokenizer.convert_ids_to_tokens(ids) if body.return_token_strs else None
    return Tokens(count=len(ids), max_model_len=service.base.context, tokens=ids, token_strs=texts)


ENDPOINTS = (Endpoint("POST", "/tokenize", create, Tokens, TokenizeRequest),)
