"""Eight requests at a time, 64 new tokens each: through the engine in this process, and over HTTP to a server."""

import asyncio
import statistics
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.client import together
from benchmarks.common import arguments, peaks, report
from benchmarks.ours.common import load
from benchmarks.ours.server import mixed, prompts, running, save
from benchmarks.serving import NEW_TOKENS, requests
from capotasto.decoding.settings import GenerateSettings
from capotasto.methods.adapter import Adapter
from capotasto.serve.asks import Ask, Piece
from capotasto.serve.engine import LocalEngine
from capotasto.serve.engine_settings import EngineSettings
from capotasto.session import Base
from capotasto.types import Encoded

REPEATS = 3  # of which the median counts, after one that warms up


def by_engine(base: Base, rows: list[Encoded], adapters: list[Adapter | None]) -> float:
    """Tokens a second without HTTP."""
    engine = LocalEngine(base, EngineSettings())
    settings = GenerateSettings(max_new_tokens=NEW_TOKENS, ignore_end=True)
    times = []
    for _ in range(REPEATS + 1):
        done = threading.Semaphore(0)

        def hear(piece: Piece, done: threading.Semaphore = done) -> None:
            if piece.finish:
                done.release()

        begin = time.perf_counter()
        for row, adapter in zip(rows, adapters, strict=True):
            engine.submit(Ask(row, adapter, settings), hear)
        for _ in rows:
            done.acquire()
        times.append(time.perf_counter() - begin)
    engine.close(0)
    return len(rows) * NEW_TOKENS / statistics.median(times[1:])


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--mixed", action="store_true", help="adapters of all kinds; left out: eight soft prompts")
    parser.add_argument("--rows", type=int, default=8)
    options = parser.parse_args()

    base = load(options)
    adapters = (mixed if options.mixed else prompts)(base, options.seed)[: options.rows]
    ids = requests(base.tokenizer)[: options.rows]
    engine = by_engine(base, [Encoded(tuple(one), (False,) * len(one)) for one in ids], adapters)
    times, firsts = [], []
    with tempfile.TemporaryDirectory() as folder:
        save(base, adapters, Path(folder))
        more = ("--adapters-dir", folder, "--dtype", options.dtype, "--device", options.device)
        with running(options.base, *more) as server:
            names = [server.base if one is None else one.name for one in adapters]
            asks = [{"model": name, "prompt": one} for name, one in zip(names, ids, strict=True)]
            for _ in range(REPEATS + 1):
                heard, seconds = asyncio.run(together(server.url, asks, NEW_TOKENS))
                times.append(seconds)
                firsts.append(statistics.median(one.first for one in heard))
                assert all(one.tokens == NEW_TOKENS for one in heard)
            held = server.mib()
    served = len(ids) * NEW_TOKENS / statistics.median(times[1:])
    report(
        base.device,
        base.dtype,
        engine_tokens_per_second=engine,
        http_tokens_per_second=served,
        http_overhead=engine / served - 1,
        first_token_seconds=statistics.median(firsts[1:]),
        server_mib=held,
        **peaks(base.device),
    )


if __name__ == "__main__":
    main()
