"""/v1/completions."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial

from capotasto.methods.adapter import Adapter
from capotasto.serve import prompt_chances, reading
from capotasto.serve.asks import Ask, Piece
from capotasto.serve.endpoints.endpoint import DONE, Endpoint, Events, Reply, event
from capotasto.serve.endpoints.text import Known, asks_of, seed_of
from capotasto.serve.faults import RefusedError
from capotasto.serve.rows import Rows
from capotasto.serve.schemas.common import new_id, now, usage
from capotasto.serve.schemas.completions import Choice, Completion, CompletionRequest, Logprobs
from capotasto.serve.service import Call, Service
from capotasto.types import Encoded

_DEFAULT_TOKENS = 16  # OpenAI's
_MOST_CHANCES = 1 << 19  # logprobs in one answer: they are about 15 MB of JSON


@dataclass(frozen=True, slots=True)
class _Job:
    """A request that was taken. echoed: for each choice the text and the pieces of its prompt."""

    known: Known
    rows: Rows
    prompt_tokens: int
    echoed: list[tuple[str, list[Piece]]]


async def create(service: Service, call: Call, body: CompletionRequest) -> Reply:
    """Continue texts."""
    job = await _taken(service, call, body)
    texts = [_ChoiceText(service, body, *echo) for echo in job.echoed]
    if body.stream:
        return Events(_events(service, job, texts, body), job.rows.close)
    try:
        choices = await service.read(lambda: [text.first(i) for i, text in enumerate(texts)])
        async for i, piece in job.rows.pieces():
            new = texts[i].choice(i, piece)
            choices[i] = _joined(choices[i], new)
    finally:
        job.rows.close()
    whole = usage(job.prompt_tokens, sum(job.rows.written))
    return Completion(**job.known.as_dict(), choices=choices, usage=whole)


async def _taken(service: Service, call: Call, body: CompletionRequest) -> _Job:
    body.check(service.settings.max_choices)
    service.check_count(len(body.prompts) * (body.n or 1), "prompt")
    resident = await service.writer(call, body.model)
    adapter = None if resident is None else resident.adapter
    prompts = await service.read(partial(reading.plain, service.base, body.prompts, adapter))
    call.note.texts = [one if isinstance(one, str) else str(one) for one in body.prompts]
    call.note.prompt_tokens = sum(len(row.ids) for row in prompts)
    wanted = _DEFAULT_TOKENS if body.max_tokens is None else body.max_tokens
    for row in prompts:
        reading.room(service.base, row, adapter, wanted, wanted)
    _check_chances(body, prompts, wanted)
    with service.using(call, call.note.prompt_tokens):
        echoed = [await _echo(service, body, i, row, adapter) for i, row in enumerate(prompts)]
    asks: Sequence[Ask] = ()
    if wanted:
        asks = asks_of(body, prompts, adapter, [wanted] * len(prompts), seed_of(body), body.logprobs)
    known = Known(new_id("cmpl"), now(), body.model)
    return _Job(
        known,
        await service.rows(call, asks),
        call.note.prompt_tokens,
        [echo for echo in echoed for _ in range(body.n or 1)],
    )


def _check_chances(body: CompletionRequest, prompts: Sequence[Encoded], wanted: int) -> None:
    """Errors: more logprobs than an answer may have."""
    tokens = sum(wanted + (len(row.ids) if body.echo else 0) for row in prompts) * (body.n or 1)
    if body.logprobs is not None and tokens * (body.logprobs + 1) > _MOST_CHANCES:
        raise RefusedError(
            f"logprobs is {body.logprobs}, for {tokens} tokens: that is {tokens * (body.logprobs + 1)} numbers, and"
            f" an answer has {_MOST_CHANCES} at most; ask for fewer tokens, or lower logprobs",
            param="logprobs",
        )


async def _echo(
    service: Service, body: CompletionRequest, number: int, row: Encoded, adapter: Adapter | None
) -> tuple[str, list[Piece]]:
    """The prompt's text, and its tokens where their logprobs are wanted."""
    if not body.echo:
        return "", []
    given = body.prompts[number]
    text = given if isinstance(given, str) else str(service.base.tokenizer.decode(given))
    if body.logprobs is None:
        return text, []
    return text, await service.compute(partial(prompt_chances.pieces, service.base, row, adapter, body.logprobs))


class _ChoiceText:
    """One choice while it is written; counts the characters of its tokens."""

    def __init__(self, service: Service, body: CompletionRequest, echo: str, tokens: list[Piece]):
        self._token = service.vocabulary.text
        self._wanted, self._done = body.logprobs is not None, not (body.max_tokens or body.max_tokens is None)
        self._echo, self._echoed, self._offset = echo, tokens, 0

    def first(self, index: int) -> Choice:
        """What stands before anything is written."""
        lines = self._lines(self._echoed) if self._wanted else None
        return Choice(index=index, text=self._echo, logprobs=lines, finish_reason="length" if self._done else None)

    def choice(self, index: int, piece: Piece) -> Choice:
        """What is new with a piece. An end token adds no text, but has its logprob: who scores a text counts on one
        for each token that was written."""
        lines = self._lines([piece] if piece.token is not None else []) if self._wanted else None
        return Choice(index=index, text=piece.text, logprobs=lines, finish_reason=piece.finish or None)

    def _lines(self, pieces: Sequence[Piece]) -> Logprobs:
        made = Logprobs()
        for piece in pieces:
            text = self._token(piece.token)
            made.tokens.append(text)
            made.token_logprobs.append(piece.logprob)
            likely = {self._token(token): chance for token, chance in piece.top}
            if piece.logprob is not None:
                likely.setdefault(text, piece.logprob)
            made.top_logprobs.append(likely or None)
            made.text_offset.append(self._offset)
            self._offset += len(text)
        return made


def _joined(old: Choice, new: Choice) -> Choice:
    if old.logprobs is not None and new.logprobs is not None:
        for name in Logprobs.model_fields:
            getattr(old.logprobs, name).extend(getattr(new.logprobs, name))
    return Choice(index=old.index, text=old.text + new.text, logprobs=old.logprobs, finish_reason=new.finish_reason)


async def _events(service: Service, job: _Job, texts: list[_ChoiceText], body: CompletionRequest) -> AsyncIterator[str]:
    if body.echo:
        for i, text in enumerate(texts):
            first = await service.read(partial(text.first, i))
            yield event(Completion(**job.known.as_dict(), choices=[first]))
    async for i, piece in job.rows.pieces():
        yield event(Completion(**job.known.as_dict(), choices=[texts[i].choice(i, piece)]))
    if body.wants_usage:
        whole = usage(job.prompt_tokens, sum(job.rows.written))
        yield event(Completion(**job.known.as_dict(), choices=[], usage=whole))
    yield DONE


ENDPOINTS = (Endpoint("POST", "/v1/completions", create, Completion, CompletionRequest, streams=True),)
