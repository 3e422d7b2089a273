"""/v1/chat/completions."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

from capotasto.serve import quoting, reading
from capotasto.serve.asks import Piece
from capotasto.serve.endpoints.endpoint import DONE, Endpoint, Events, Reply, event
from capotasto.serve.endpoints.text import Known, TokenTexts, asks_of, seed_of
from capotasto.serve.rows import Rows
from capotasto.serve.schemas import chat
from capotasto.serve.schemas.common import new_id, now, usage
from capotasto.serve.service import Call, Service


@dataclass(frozen=True, slots=True)
class _Job:
    """A request that was taken."""

    known: Known
    rows: Rows
    prompt_tokens: int
    tokens: TokenTexts
    logprobs: bool
    passages: list[chat.Quoted] | None


async def create(service: Service, call: Call, body: chat.ChatRequest) -> Reply:
    """Answer messages."""
    job = await _taken(service, call, body)
    if body.stream:
        return Events(_events(job, body), job.rows.close)
    heard: list[list[Piece]] = [[] for _ in job.rows.asks]
    try:
        async for i, piece in job.rows.pieces():
            heard[i].append(piece)
    finally:
        job.rows.close()
    whole = usage(job.prompt_tokens, sum(job.rows.written))
    choices = [_choice(job, i, pieces) for i, pieces in enumerate(heard)]
    return chat.ChatCompletion(**job.known.as_dict(), choices=choices, usage=whole, passages=job.passages)


async def _taken(service: Service, call: Call, body: chat.ChatRequest) -> _Job:
    body.check(service.settings.max_choices)
    resident = await service.writer(call, body.model)
    adapter = None if resident is None else resident.adapter
    turns = [message.turn for message in body.messages]
    call.note.texts = [turn.content for turn in turns]
    turns, passages = await quoting.with_passages(service, call, body, turns, adapter)
    prompt = await service.read(partial(reading.dialogue, service.base, turns, adapter))
    call.note.prompt_tokens = len(prompt.ids)
    room = reading.room(service.base, prompt, adapter, body.wanted, service.settings.default_tokens)
    top = (body.top_logprobs or 0) if body.logprobs else None
    asks = asks_of(body, [prompt], adapter, [room], seed_of(body), top)
    known = Known(new_id("chatcmpl"), now(), body.model)
    rows = await service.rows(call, asks)
    return _Job(known, rows, len(prompt.ids), TokenTexts(service), bool(body.logprobs), passages)


def _choice(job: _Job, index: int, pieces: list[Piece]) -> chat.ChatChoice:
    text = "".join(piece.text for piece in pieces)
    lines = _lines(job, pieces)
    finish = pieces[-1].finish
    return chat.ChatChoice(index=index, message=chat.Said(content=text), logprobs=lines, finish_reason=finish)


def _lines(job: _Job, pieces: list[Piece]) -> chat.ChatLogprobs | None:
    if not job.logprobs:
        return None
    return chat.ChatLogprobs(content=[_placed(job, piece) for piece in pieces if job.tokens.counts(piece)])


def _placed(job: _Job, piece: Piece) -> chat.Placed:
    own = _likely(job, piece.token, piece.logprob or 0.0)
    return chat.Placed(**own.model_dump(), top_logprobs=[_likely(job, token, chance) for token, chance in piece.top])


def _likely(job: _Job, token: int | None, chance: float) -> chat.Likely:
    text = job.tokens.text(token)
    return chat.Likely(token=text, logprob=chance, bytes=None if "\ufffd" in text else list(text.encode()))


async def _events(job: _Job, body: chat.ChatRequest) -> AsyncIterator[str]:
    for i in range(len(job.rows.asks)):
        yield _chunk(job, i, chat.Delta(role="assistant", content=""), passages=None if i else job.passages)
    async for i, piece in job.rows.pieces():
        lines = _lines(job, [piece])
        if piece.text or (lines and lines.content):
            yield _chunk(job, i, chat.Delta(content=piece.text), lines)
        if piece.finish:
            yield _chunk(job, i, chat.Delta(), finish=piece.finish)
    if body.wants_usage:
        whole = usage(job.prompt_tokens, sum(job.rows.written))
        yield event(chat.ChatChunk(**job.known.as_dict(), choices=[], usage=whole))
    yield DONE


def _chunk(
    job: _Job,
    index: int,
    delta: chat.Delta,
    lines: chat.ChatLogprobs | None = None,
    finish: str = "",
    passages: list[chat.Quoted] | None = None,
) -> str:
    choice = chat.ChunkChoice(index=index, delta=delta, logprobs=lines, finish_reason=finish or None)
    return event(chat.ChatChunk(**job.known.as_dict(), choices=[choice], passages=passages))


ENDPOINTS = (Endpoint("POST", "/v1/chat/completions", create, chat.ChatCompletion, chat.ChatRequest, streams=True),)
