"""What the server does, in numbers (https://prometheus.io/docs/practices/naming/)."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from capotasto.serve.asks import EngineState

if TYPE_CHECKING:
    from capotasto.serve.service import Note

_NAMES = 100  # adapters that are told apart; each label costs memory for ever
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_GAUGES = {
    "waiting": "rows that wait",
    "running": "rows that are being written",
    "queued_tokens": "prompt and new tokens of the rows that wait",
    "kv_bytes_reserved": "bytes of keys and values that are spoken for",
    "kv_bytes_limit": "bytes of keys and values there may be",
    "prompt_cache_bytes": "bytes of keys and values of soft prompts",
    "last_batch": "rows of the last step",
}
_COUNTERS = {"steps": "steps", "tokens_written": "tokens written", "prompt_tokens": "prompt tokens computed"}


class Metrics:
    """Counts requests by endpoint, adapter, tenant and status; asks the engine when it is read."""

    def __init__(self, state: Callable[[], EngineState], base: str):
        """base: the bare base's name. Errors: prometheus-client is not installed (ImportError)."""
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self.registry = CollectorRegistry()
        self._known = {base}
        whose = ("adapter", "tenant")
        self._requests = Counter("capo_requests", "requests", ("endpoint", *whose, "status"), registry=self.registry)
        self._seconds = Histogram(
            "capo_request_seconds", "seconds of a request", ("endpoint",), buckets=_SECONDS, registry=self.registry
        )
        self._first = Histogram(
            "capo_first_token_seconds", "seconds to the first token", whose, buckets=_SECONDS, registry=self.registry
        )
        self._prompt = Counter("capo_prompt_tokens", "prompt tokens of requests", whose, registry=self.registry)
        self._written = Counter("capo_completion_tokens", "tokens of answers", whose, registry=self.registry)
        self.registry.register(_EngineMetrics(state))

    def seen(self, note: "Note", status: int, seconds: float, first_token: float | None) -> None:
        """One request that is over. first_token: seconds from its beginning"""
        whose = (self._name(note.model), note.tenant or "none")
        self._requests.labels(note.endpoint, *whose, str(status)).inc()
        self._seconds.labels(note.endpoint).observe(seconds)
        self._prompt.labels(*whose).inc(note.prompt_tokens)
        self._written.labels(*whose).inc(note.completion_tokens)
        if first_token is not None:
            self._first.labels(*whose).observe(first_token)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)

    def _name(self, adapter: str) -> str:
        """The first ones by name, all later ones as one: clients must not be able to make labels."""
        if adapter and adapter not in self._known and len(self._known) < _NAMES:
            self._known.add(adapter)
        return adapter if adapter in self._known else "other" if adapter else "none"


class _EngineMetrics:
    """The engine's state at the moment of reading."""

    def __init__(self, state: Callable[[], EngineState]):
        self._state = state

    def collect(self) -> Iterator[Any]:
        """See prometheus_client's custom collectors."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        state = self._state()
        for name, what in _GAUGES.items():
            yield GaugeMetricFamily(f"capo_engine_{name}", what, getattr(state, name))
        for name, what in _COUNTERS.items():
            yield CounterMetricFamily(f"capo_engine_{name}", what, getattr(state, name))
