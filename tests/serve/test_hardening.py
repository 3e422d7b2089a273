"""Nonsense by the thousand, crowds that come and go, and the promises of the served OpenAPI document."""

import asyncio
import json
import os
import random
import resource
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from capotasto.artifact import save_adapter
from capotasto.session import Base
from tests.making import make_adapter
from tests.serve.engines import Recorder
from tests.serve.serving import Served, served

GOOD: dict[str, dict[str, Any]] = {
    "/v1/completions": {"model": "memory", "prompt": "a", "max_tokens": 2, "n": 1, "stop": ["x"], "stream": False},
    "/v1/chat/completions": {"model": "support", "messages": [{"role": "user", "content": "a"}], "logprobs": True},
    "/v1/embeddings": {"model": "memory", "input": ["a", "b"], "encoding_format": "float"},
    "/v1/classify": {"model": "moods", "input": "a"},
    "/tokenize": {"model": "memory", "prompt": "a"},
    "/v1/adapters": {"name": "x", "source": "support"},
    "/v1/load_lora_adapter": {"lora_name": "x", "lora_path": "../x"},
    "/v1/unload_lora_adapter": {"lora_name": "nobody"},
}
ODD = [
    *(
        None,
        True,
        0,
        -1,
        1 << 70,
        0.5,
        1e308,
        float("nan"),
        float("inf"),
        "",
        "a",
        "\0",
        "\ud800",
        "é" * 50,
        "a" * 3000,
    ),
    *([], [[]], [None], ["a", 1], [1 << 40], [-1], {}, {"a": {}}, {"type": "json_schema"}, [{"role": "user"}]),
]


def spoilt(chance: random.Random) -> tuple[str, str, bytes, list[tuple[bytes, bytes]]]:
    """(verb, path, body, headers) of a request in which something is wrong, mostly."""
    path = chance.choice(list(GOOD))
    body = json.loads(json.dumps(GOOD[path]))
    for _ in range(chance.randint(1, 3)):
        name = chance.choice(
            [*body, "seed", "temperature", "top_p", "response_format", "guided_json", "stream_options"]
        )
        body[name] = chance.choice(ODD)
        if chance.random() < 0.2:
            del body[name]
    raw = json.dumps(body).encode()
    kind = chance.random()
    if kind < 0.1:
        raw = raw[: chance.randrange(len(raw))]
    elif kind < 0.2:
        raw = chance.randbytes(chance.randint(0, 60))
    elif kind < 0.25:
        raw = b"[" * chance.choice([10, 100_000])
    headers = [(b"content-type", chance.choice([b"application/json"] * 8 + [b"text/plain", b"\xff"]))]
    if chance.random() < 0.1:
        headers.append((chance.choice([b"authorization", b"origin", b"content-length"]), chance.randbytes(8)))
    verb = chance.choice(["POST"] * 9 + ["GET", "DELETE", "PATCH"])
    return verb, chance.choice([path] * 9 + [path + "/x", "/v1/models/%00", "/v1/adapters/.."]), raw, headers


async def answered(app: Any, verb: str, path: str, raw: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    """The status, by the application itself without a connection."""
    messages, told = [{"type": "http.request", "body": raw, "more_body": False}], []

    async def receive() -> Any:
        if messages:
            return messages.pop()
        return await asyncio.Event().wait()

    async def send(message: Any) -> None:
        told.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": verb, "path": path,
        "raw_path": path.encode(), "root_path": "", "scheme": "http", "query_string": b"", "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1), "headers": [(b"host", b"localhost"), *headers],
    }  # fmt: skip
    await app(scope, receive, send)
    content = b"".join(one.get("body", b"") for one in told[1:])
    if told[0]["status"] >= 400:
        assert set(json.loads(content)) == {"error"}
    return int(told[0]["status"])


def test_ten_thousand_malformed_requests_do_no_harm(base: Base, shelf: Path) -> None:
    chance, statuses = random.Random(0), []

    async def all_of_them(app: Any) -> list[int]:
        held = []
        for number in range(10_000):
            statuses.append(await answered(app, *spoilt(chance)))
            if number in (4_000, 9_999):
                held.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return held

    with served(base, engine=Recorder(), adapters_dir=shelf) as running, Path(os.devnull).open("w") as nowhere:
        running.app.stream = nowhere
        before, after = asyncio.run(all_of_them(running.app))
        assert running.doors.inside == 0
    assert max(statuses) < 500
    assert {200, 400, 404, 405} <= set(statuses)
    assert after - before < 20_000  # KiB


KINDS = {"a": "prompt", "b": "prefix", "c": "lora", "d": "bottleneck", "e": "prompt+lora"}
ASKED = {"prompt": "the rain", "temperature": 0, "max_tokens": 4}
CLIENTS = 64
TURNS = 32  # requests of each client
FLAT = 40_000  # KiB that the second half of a crowd may add: the caches of 64 threads, and nothing that grows


@dataclass
class Crowd:
    """Clients of one server. wanted: what each adapter answers; wrong: what was answered otherwise;
    held: KiB in memory after each turn of the first client."""

    running: Served
    wanted: dict[str, str]
    wrong: list[Any] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def ask(self, seed: int) -> None:
        """One client: some hang up, `hot` is another adapter every moment, or none."""
        chance = random.Random(seed)
        for _ in range(TURNS):
            if seed == 0:
                self.held.append(memory())
            name, stream = chance.choice([*self.wanted, "hot"]), chance.random() < 0.5
            connection = self.running.connection("POST", "/v1/completions", {"model": name, **ASKED, "stream": stream})
            if chance.random() < 0.25:
                connection.close()
                continue
            answer = connection.getresponse()
            self.check(name, answer.status, answer.read().decode(), stream)

    def check(self, name: str, status: int, content: str, stream: bool) -> None:
        if name == "hot" and status == 404:
            return  # it was not there just then
        allowed = list(self.wanted.values()) if name == "hot" else [self.wanted[name]]
        if status != 200 or text_of(content, stream) not in allowed:
            self.wrong.append((name, status, content))

    def change(self) -> None:
        """Loads and unloads until the others are done."""
        chance = random.Random(0)
        while not self.done.is_set():
            self.running.ask("POST", "/v1/adapters", {"name": "hot", "source": chance.choice([*self.wanted])})
            if chance.random() < 0.3:
                self.running.ask("DELETE", "/v1/adapters/hot")


def test_a_crowd_that_comes_and_goes(base: Base, tmp_path: Path) -> None:
    for seed, (name, kind) in enumerate(KINDS.items()):
        save_adapter(make_adapter(kind, base, seed=seed, name=name), tmp_path / name, base, {})
    with served(base, adapters_dir=tmp_path, max_requests=1000) as running:
        wanted = {
            name: text_of(running.post("/v1/completions", model=name, **ASKED).content.decode()) for name in KINDS
        }
        assert len(set(wanted.values())) == len(KINDS)
        crowd = Crowd(running, wanted)
        changing = threading.Thread(target=crowd.change)
        clients = [threading.Thread(target=crowd.ask, args=(seed,)) for seed in range(CLIENTS)]
        for thread in (changing, *clients):
            thread.start()
        for thread in clients:
            thread.join()
        crowd.done.set()
        changing.join()
        running.settle()
        assert crowd.wrong == []
        assert memory() - crowd.held[TURNS // 2] < FLAT
        assert running.service.engine.state().waiting == 0
        assert running.get("/ready").status == 200


def memory() -> int:
    """KiB that this process holds."""
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in line)


def text_of(content: str, stream: bool = False) -> str:
    if not stream:
        return str(json.loads(content)["choices"][0]["text"])
    lines = content.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    return "".join(json.loads(line[6:])["choices"][0]["text"] for line in lines[:-2])


def test_the_document_keeps_its_promises(base: Base, shelf: Path) -> None:
    checks = [not_a_server_error, content_type_conformance, response_schema_conformance]
    tried = []
    with served(base, engine=Recorder(), adapters_dir=shelf) as running:
        document = schemathesis.openapi.from_url(f"http://127.0.0.1:{running.port}/openapi.json")
        for found in document.get_all_operations():
            operation = found.ok()

            @settings(
                max_examples=5, deadline=None, derandomize=True, database=None, suppress_health_check=[*HealthCheck]
            )
            @given(case=operation.as_strategy())
            def keeps(case: Any) -> None:
                tried.append(case.call_and_validate(checks=checks).status_code)

            keeps()
    assert len(tried) >= 5 * 10
    assert 200 in tried
    assert max(tried) < 500
