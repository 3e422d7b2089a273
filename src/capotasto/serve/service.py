"""Between endpoints and engine: who asks for which adapter, what that takes, and what is going on."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from capotasto.errors import UserError, nearest
from capotasto.serve.allowance import Allowance
from capotasto.serve.asks import Ask, Engine, T
from capotasto.serve.faults import RefusedError, refusal, unknown_model
from capotasto.serve.indices import Indices
from capotasto.serve.intake import Resident
from capotasto.serve.residents import Residents
from capotasto.serve.rows import Rows
from capotasto.serve.settings import ServeSettings
from capotasto.serve.shelf import Shelf
from capotasto.serve.tenants import Tenant
from capotasto.serve.vocabulary import Vocabulary
from capotasto.session import Base

_GIB = 2**30
_MOST_COMPARED = 500  # names; to find the nearest of more would hold up everybody


@dataclass(slots=True)
class Note:
    """What the log and the metrics tell of a request.

    first_token: when it was heard, by the monotonic clock
    code, param: of its error; `texts` and `error` may quote the request
    """

    endpoint: str = "other"
    tenant: str = ""
    model: str = ""
    rows: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token: float | None = None
    texts: list[str] = field(default_factory=list)
    error: str = ""
    code: str = ""
    param: str = ""

    def failed(self, error: Exception) -> RefusedError:
        """Take down an error; returns it as clients hear it."""
        told, expected = refusal(error), isinstance(error, UserError)
        self.error = str(told) if expected else f"{type(error).__name__}: {error}"
        self.code = (told.code or "invalid_request") if expected else type(error).__name__
        self.param = (told.param or "").partition(".")[0]
        return told


@dataclass(frozen=True, slots=True)
class Call:
    """One request: who asks, and what the path says. `note` is filled on the way."""

    tenant: Tenant
    note: Note = field(default_factory=Note)
    path: dict[str, str] = field(default_factory=dict)


class Service:
    """Everything that endpoints need. Used in the server's own thread only."""

    def __init__(self, base: Base, engine: Engine, settings: ServeSettings, indices: Indices | None = None):
        self.base, self.engine, self.settings = base, engine, settings
        self.name = Path(base.name).name if Path(base.name).exists() else base.name  # what the bare base is called
        self.ends = frozenset(base.renderer().stops)
        self.vocabulary = Vocabulary(base.tokenizer)
        shelf = Shelf(settings.adapters_dir, settings.store)
        self.residents = Residents(base, engine.call, shelf, int(settings.adapters_gb * _GIB), self.name)
        self.indices = indices or Indices({})
        self.allowance = Allowance(settings)
        self.closing = False
        self._reader = ThreadPoolExecutor(1, "reader")  # tokenizers of transformers are not thread-safe

    def names(self, tenant: Tenant) -> list[str]:
        """The adapters that they may call."""
        return [name for name in tenant.seen(self.residents.names()) if name != self.name]

    async def resident(self, call: Call, model: str) -> Resident | None:
        """The adapter that `model` means; None is the bare base. Errors: unknown, or not theirs."""
        if model == self.name:
            call.note.model = model
            return None
        found = await self.residents.get(model) if call.tenant.may(model) else None
        if found is None:
            raise self.unknown(call.tenant, model)
        call.note.model = model
        return found

    def unknown(self, tenant: Tenant, model: str) -> RefusedError:
        """The refusal of a name, with the nearest of those that they may call."""
        names = [self.name, *self.names(tenant)]
        if len(names) > _MOST_COMPARED:
            return unknown_model(model[:200], "GET /v1/models lists all")
        return unknown_model(model[:200], _first_of_many(nearest(model[:200], names)))

    async def writer(self, call: Call, model: str) -> Resident | None:
        """The same for what is to write text. Errors: a head, or an encoder."""
        found = await self.resident(call, model)
        if found is not None and found.adapter.head() is not None:
            raise RefusedError(f"{model!r} has a head and writes no text; ask /v1/classify", param="model")
        if self.base.is_encoder:
            raise RefusedError(f"{self.name} is an encoder and writes no text; ask /v1/classify or /v1/embeddings")
        return found

    async def read(self, work: Callable[[], T]) -> T:
        """Run what turns texts into token ids, without holding up others."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, work)

    async def compute(self, work: Callable[[], T]) -> T:
        """Run something on the base between two steps of the engine."""
        return await asyncio.wrap_future(self.engine.call(work))

    @contextmanager
    def using(self, call: Call, tokens: int) -> Iterator[None]:
        """So many tokens count as asked for. Errors: too many for this key."""
        self.allowance.take(call.tenant, tokens)
        try:
            yield
        finally:
            self.allowance.give_back(call.tenant, tokens)

    async def rows(self, call: Call, asks: Sequence[Ask]) -> Rows:
        """Rows that are being written. Errors: too many tokens for this key, a full queue."""
        tokens = sum(len(ask.prompt.ids) + ask.settings.max_new_tokens for ask in asks)
        self.allowance.take(call.tenant, tokens)

        def at_end(rows: Rows) -> None:
            self.allowance.give_back(call.tenant, tokens)
            call.note.completion_tokens = sum(rows.written)
            call.note.first_token = rows.first_token

        call.note.rows = len(asks)
        rows = Rows(self.engine, asks, at_end)
        await rows.start()
        return rows

    def check_count(self, inputs: int, param: str) -> None:
        """Errors: more texts, or answers to them, in one request than are allowed."""
        if inputs > self.settings.max_inputs:
            raise RefusedError(
                f"{inputs} texts or answers in one request, and {self.settings.max_inputs} may be; send fewer",
                param=param,
            )

    def close(self) -> None:
        """No more reading."""
        self._reader.shutdown(wait=False, cancel_futures=True)
        self.residents.close()
        self.indices.close()


def _first_of_many(hint: str) -> str:
    """A hint that names a thousand adapters helps nobody."""
    return hint if len(hint) <= 400 else f"{hint[:400].rsplit(',', 1)[0]}, …; GET /v1/models lists all"
