"""An engine that writes on vLLM servers: many machines for one base, its soft prompts and its LoRAs.

This process needs the base's embedding only (`thin_base`): virtual tokens travel as input embeddings, LoRAs by name.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import aclosing, suppress
from dataclasses import dataclass
from itertools import count
from threading import Lock, Thread
from typing import Any, TypeVar

from capotasto.base.frozen import FrozenBase
from capotasto.serve.asks import Ask, Busy, EngineState, Piece, Ticket
from capotasto.serve.vllm.adapters import LoraFolders
from capotasto.serve.vllm.client import FailedError, GoneError, RefusedError
from capotasto.serve.vllm.replica import Replica
from capotasto.serve.vllm.replicas import Replicas
from capotasto.serve.vllm.settings import VllmSettings
from capotasto.serve.vllm.wire import body_of, fit, pieces_of
from capotasto.tokens.render import Renderer

T = TypeVar("T")
_WRONG = (400, 422)  # what servers say where the ask itself is wrong, such as a schema that cannot be followed
_CLOSED = "the engine is closing and takes nothing more; ask again when it is back"


@dataclass(slots=True, eq=False)
class _Job:
    """An ask under way; `begun` once something of its answer was heard."""

    ticket: Ticket
    ask: Ask
    hear: Callable[[Piece], None]
    tokens: int  # of its row, virtual ones included
    begun: bool = False
    task: "asyncio.Task[None] | None" = None


class VllmEngine:
    """See `asks.Engine`. The engine's thread runs an event loop; servers take turns by how busy they are.

    An answer that has not begun goes to another server when its own fails. One that has begun ends with an error:
    the words that were heard cannot be taken back.

    settings: with the addresses of servers of this base
    Errors: no server is there, or one serves something else.
    """

    def __init__(self, base: FrozenBase, settings: VllmSettings):
        self._base, self._settings = base, settings
        self._stops = Renderer(base.tokenizer).stops
        self._jobs: dict[Ticket, _Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._folders = LoraFolders(base, self._settings.lora_folder)
        self._replicas = Replicas(settings.vllm_url or [], base, settings)
        self._lock, self._numbers, self._open = Lock(), count(1), True
        self._tokens_written = self._prompt_tokens = 0
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="vllm-engine", daemon=True)
        self._thread.start()
        try:
            self._await(self._replicas.meet())
        except BaseException:
            self.close(0)
            raise

    def submit(self, ask: Ask, hear: Callable[[Piece], None]) -> Ticket:
        """See `asks.Engine.submit`. Errors: also AdapterError, for a kind that vLLM does not take."""
        job = _Job(Ticket(next(self._numbers)), ask, hear, fit(self._base, self._replicas.context, ask))
        with self._lock:
            if not self._open:
                raise Busy(_CLOSED)
            if len(self._jobs) >= self._settings.max_waiting:
                raise Busy(f"{len(self._jobs)} asks are under way, as many as may be; ask again in a moment")
            self._jobs[job.ticket] = job
            self._loop.call_soon_threadsafe(self._begin, job)
        return job.ticket

    def cancel(self, ticket: Ticket) -> None:
        """See `asks.Engine.cancel`. An answer that has ended is left as it is."""
        with suppress(RuntimeError):  # the engine is closed, and nothing is left to be cancelled
            self._loop.call_soon_threadsafe(self._stop, ticket)

    def call(self, work: Callable[[], T]) -> Future[T]:
        """See `asks.Engine.call`. Nothing else is heard while it runs. Errors: the engine is closed."""
        future: Future[T] = Future()
        with self._lock:
            if not self._open:
                raise Busy(_CLOSED)
            self._loop.call_soon_threadsafe(_carry_out, work, future)
        return future

    def state(self) -> EngineState:
        """See `asks.Engine.state`. Keys, values and steps are the servers' own: 0 here."""
        with self._lock:
            jobs = list(self._jobs.values())
        waiting = [job for job in jobs if not job.begun]
        return EngineState(
            waiting=len(waiting),
            running=len(jobs) - len(waiting),
            queued_tokens=sum(job.tokens for job in waiting),
            kv_bytes_reserved=0,
            kv_bytes_limit=0,
            steps=0,
            tokens_written=self._tokens_written,
            prompt_tokens=self._prompt_tokens,
            prompt_cache_bytes=0,
            last_batch=len(jobs) - len(waiting),
            alive=self._thread.is_alive() and any(one.well for one in self._replicas.all),
        )

    def close(self, drain_seconds: float) -> None:
        """See `asks.Engine.close`. Closing twice does nothing."""
        with self._lock:
            self._open = False
        if self._thread.is_alive():
            self._await(self._finish(drain_seconds))
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the engine's thread do something, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    # In the engine's thread.

    def _begin(self, job: _Job) -> None:
        job.task = self._loop.create_task(self._answer(job))
        self._tasks.add(job.task)
        job.task.add_done_callback(lambda task: self._ended(job, task))

    def _stop(self, ticket: Ticket) -> None:
        if (job := self._jobs.get(ticket)) is not None and job.task is not None:
            job.task.cancel()

    def _ended(self, job: _Job, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if task.cancelled():
            self._tell(job, Piece("", finish="cancelled"))

    def _tell(self, job: _Job, piece: Piece) -> None:
        """Let the asker hear it; nothing after the last piece, before which the ask counts as done."""
        if job.ticket not in self._jobs:
            return
        if piece.finish:
            with self._lock:
                del self._jobs[job.ticket]
        job.hear(piece)

    async def _answer(self, job: _Job) -> None:
        """Let the asker hear an answer up to its end, whatever that is."""
        refused = False
        try:
            failure = await self._written(job)
        except Exception as error:  # whatever it is, the asker must not wait for ever
            failure = " ".join(str(error).split()) or type(error).__name__
            refused = isinstance(error, RefusedError) and error.status in _WRONG
        if failure:
            self._tell(job, Piece("", finish="error", error=failure, refused=refused))

    async def _written(self, job: _Job) -> str:
        """Try one server after the other; why none could write it, or nothing once it was heard to its end."""
        lora = await asyncio.to_thread(self._folders.of, job.ask.adapter)
        body = await asyncio.to_thread(body_of, self._base, job.ask, self._stops)
        tried: list[Replica] = []
        failure = ""
        while (replica := self._replicas.next(tried)) is not None:
            tried.append(replica)
            try:
                async with aclosing(replica.answer(body, lora)) as choices:
                    async for choice in choices:
                        if self._heard(job, choice):
                            return ""
                failure = f"{replica.url} broke an answer off"
            except FailedError as failed:
                failure = str(failed)
            except GoneError as gone:
                replica.lost()
                failure = str(gone)
            if job.begun:
                return f"{failure}; the answer had begun, so no other server was asked: ask again"
        return f"{failure}; no vLLM server is left: see that one runs, and ask again"

    def _heard(self, job: _Job, choice: dict[str, Any]) -> bool:
        """Pass a chunk on; True if it was the last."""
        pieces = pieces_of(choice, job.ask.logprobs or 0)
        if pieces and not job.begun:
            job.begun, self._prompt_tokens = True, self._prompt_tokens + job.tokens
        for piece in pieces:
            self._tokens_written += piece.token is not None
            self._tell(job, piece)
        return bool(pieces and pieces[-1].finish)

    async def _finish(self, drain_seconds: float) -> None:
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=drain_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._replicas.close()


def _carry_out(work: Callable[[], T], future: Future[T]) -> None:
    if not future.set_running_or_notify_cancel():
        return  # whoever asked has gone
    try:
        future.set_result(work())
    except BaseException as error:  # it is the caller's
        future.set_exception(error)
