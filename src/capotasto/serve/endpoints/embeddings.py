"""/v1/embeddings."""

import base64
from functools import partial

from pydantic import BaseModel
from torch import Tensor

from capotasto.evaluate.questions import by_length
from capotasto.evaluate.vectors import vectors
from capotasto.serve import reading
from capotasto.serve.endpoints.endpoint import Endpoint
from capotasto.serve.faults import RefusedError
from capotasto.serve.schemas.common import usage
from capotasto.serve.schemas.embeddings import Embedding, EmbeddingRequest, Embeddings
from capotasto.serve.service import Call, Service


async def create(service: Service, call: Call, body: EmbeddingRequest) -> BaseModel:
    """Turn texts into vectors."""
    width = int(service.base.config.hidden_size)
    if body.dimensions not in (None, width):
        raise RefusedError(f"dimensions is {body.dimensions}, and the base's states have {width}", param="dimensions")
    service.check_count(len(body.inputs), "input")
    resident = await service.resident(call, body.model)
    adapter = None if resident is None else resident.adapter
    rows = await service.read(partial(reading.plain, service.base, body.inputs, adapter))
    call.note.rows, call.note.prompt_tokens = len(rows), sum(len(row.ids) for row in rows)
    found: dict[int, Tensor] = {}
    with service.using(call, call.note.prompt_tokens):
        for batch in by_length([len(row.ids) for row in rows], [adapter] * len(rows)):
            mine = [rows[i] for i in batch]
            made = await service.compute(partial(vectors, service.base, mine, adapter))
            found |= dict(zip(batch, made, strict=True))
    data = [Embedding(index=i, embedding=_sent(found[i], body)) for i in range(len(rows))]
    return Embeddings(model=body.model, data=data, usage=usage(call.note.prompt_tokens))


def _sent(vector: Tensor, body: EmbeddingRequest) -> list[float] | str:
    if body.encoding_format == "base64":
        return base64.b64encode(vector.numpy().astype("<f4").tobytes()).decode()
    return [float(number) for number in vector]


ENDPOINTS = (Endpoint("POST", "/v1/embeddings", create, Embeddings, EmbeddingRequest),)
