"""/v1/classify."""

from collections.abc import Callable
from functools import partial

import numpy as np
from pydantic import BaseModel

from capotasto.evaluate.heads import THRESHOLD, answer
from capotasto.evaluate.questions import by_length, choose
from capotasto.objectives.heads import head_of
from capotasto.serve import reading
from capotasto.serve.endpoints.endpoint import Endpoint
from capotasto.serve.faults import RefusedError
from capotasto.serve.intake import Resident
from capotasto.serve.schemas.classify import Classified, ClassifyRequest, Judged
from capotasto.serve.schemas.common import new_id, now, usage
from capotasto.serve.service import Call, Service
from capotasto.types import Encoded, Example, Turn


async def create(service: Service, call: Call, body: ClassifyRequest) -> BaseModel:
    """Tell labels or numbers of texts."""
    service.check_count(len(body.texts), "input")
    resident = await service.resident(call, body.model)
    if resident is None or not resident.labels:
        raise RefusedError(
            f"{body.model!r} has no labels: ask an adapter with a head, or one that was trained to choose among labels",
            param="model",
        )
    rows = await service.read(partial(_encoded, service, body.texts, resident))
    call.note.texts, call.note.rows = body.texts, len(rows)
    call.note.prompt_tokens = sum(len(row.ids) for row in rows)
    said: dict[int, Judged] = {}
    with service.using(call, call.note.prompt_tokens):
        for batch in by_length([len(row.ids) for row in rows], [resident.adapter] * len(rows)):
            found = await service.compute(_question(service, resident, body.texts, rows, batch))
            said |= {i: _judged(resident, i, line) for i, line in zip(batch, found, strict=True)}
    data, count = [said[i] for i in range(len(rows))], call.note.prompt_tokens
    return Classified(id=new_id("classify"), created=now(), model=body.model, data=data, usage=usage(count))


def _encoded(service: Service, texts: list[str], resident: Resident) -> list[Encoded]:
    """The texts as the adapter was trained on them. Errors: no room for the longest label behind one."""
    adapter, base = resident.adapter, service.base
    rows = [reading.question(base, text, adapter) for text in texts]
    if adapter.head() is None:
        longest = base.renderer(adapter).longest(resident.labels)
        for row in rows:
            reading.room(base, row, adapter, longest, longest)
    return rows


def _question(
    service: Service, resident: Resident, texts: list[str], rows: list[Encoded], batch: list[int]
) -> Callable[[], np.ndarray]:
    """What gives [N, C] for these rows: probabilities of labels, or numbers."""
    base, adapter = service.base, resident.adapter
    if adapter.head() is not None:
        return lambda: answer(base, [rows[i] for i in batch], adapter)
    examples = [Example((base.turn(texts[i], adapter), Turn("assistant", "", learn=True))) for i in batch]
    return lambda: _softmax(choose(base, base.renderer(adapter), examples, resident.labels, adapter))


def _softmax(chances: np.ndarray) -> np.ndarray:
    raised = np.exp(chances - chances.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)


def _judged(resident: Resident, index: int, said: np.ndarray) -> Judged:
    head, by_label = head_of(resident.adapter), dict(zip(resident.labels, said.tolist(), strict=True))
    if head is not None and head.objective == "regress":
        return Judged(index=index, numbers=by_label)
    several = head is not None and head.objective == "multilabel"
    return Judged(
        index=index,
        label=None if several else resident.labels[int(said.argmax())],
        labels=[label for label, chance in by_label.items() if chance >= THRESHOLD] if several else None,
        probs=said.tolist(),
        probabilities=by_label,
        num_classes=len(by_label),
    )


ENDPOINTS = (Endpoint("POST", "/v1/classify", create, Classified, ClassifyRequest),)
