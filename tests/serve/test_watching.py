"""What the server tells of itself: metrics, log, health; and how it ends."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from capotasto.serve.asks import EngineState, Piece
from capotasto.serve.metrics import Metrics
from capotasto.serve.service import Note
from capotasto.session import Base
from tests.serve.engines import Patient, Recorder
from tests.serve.serving import Served, served


def lines_of(running: Served) -> list[dict[str, Any]]:
    running.settle()
    return [json.loads(line) for line in running.log.getvalue().splitlines()]


def test_metrics(base: Base, shelf: Path) -> None:
    with served(base, adapters_dir=shelf) as running:
        running.post("/v1/completions", model="support", prompt="sun", max_tokens=3)
        running.post("/v1/completions", model="nobody", prompt="sun")
        running.get("/v1/nowhere")
        running.settle()
        text = running.get("/metrics").content.decode()
    whose = 'adapter="support",tenant="everybody"'
    done = 'adapter="support",endpoint="/v1/completions",status="200",tenant="everybody"'
    assert f"capo_requests_total{{{done}}} 1.0" in text
    assert 'endpoint="/v1/completions",status="404",tenant="everybody"} 1.0' in text
    assert 'endpoint="other",status="404",tenant="everybody"} 1.0' in text
    assert f"capo_completion_tokens_total{{{whose}}} 3.0" in text
    assert f"capo_first_token_seconds_count{{{whose}}} 1.0" in text
    assert "capo_engine_tokens_written_total 3.0" in text
    assert "capo_engine_waiting 0.0" in text


def test_clients_cannot_make_labels() -> None:
    metrics = Metrics(EngineState, "base")
    for number in range(1000):
        metrics.seen(Note(endpoint="/v1/completions", tenant="t", model=f"n{number}"), 200, 0.1, None)
    text = metrics.text().decode()
    assert text.count("capo_requests_total{") == 100  # 99 by name, and the others as one
    assert 'adapter="other"' in text


def test_the_log_is_json_without_texts(server: Served, base: Base) -> None:
    for log_prompts in (False, True):
        with served(base, log_prompts=log_prompts) as running:
            heard = running.post("/v1/completions", prompt="a secret", max_tokens=2)
            running.post("/v1/chat/completions", messages=[{"role": "user", "content": "a secret"}], max_tokens=2)
            running.post("/v1/completions", prompt="a secret", temperature="a secret")
            running.post("/v1/completions", prompt="a", guided_json={"type": "secret"})
            running.post("/v1/completions", prompt="a", guided_regex="(secret")
            running.post("/v1/completions", model="secret", prompt="a")
            running.post("/v1/completions", prompt="a", logit_bias={"secret": "secret"})
            lines = lines_of(running)
        assert ("secret" in running.log.getvalue()) == log_prompts
        first = lines[0]
        assert first["request"] == heard.headers["x-request-id"]
        assert (first["path"], first["status"], first["model"]) == ("/v1/completions", 200, "memory")
        assert (first["rows"], first["completion_tokens"], first["tenant"]) == (1, 2, "everybody")
        assert 0 < first["first_token_seconds"] <= first["seconds"]
        assert [line["status"] for line in lines[2:]] == [400, 400, 400, 404, 400]
        told = [(line["code"], line["param"]) for line in lines[2:]]
        assert told[0] == ("invalid_value", "temperature")
        assert told[1:3] == [("invalid_request", "")] * 2
        assert told[3:] == [("model_not_found", "model"), ("invalid_value", "logit_bias")]
        assert all(("error" in line) == log_prompts for line in lines[2:])


def test_who_hung_up_is_in_the_log(base: Base) -> None:
    engine = Patient()
    with served(base, engine=engine) as running:
        connection = running.connection("POST", "/v1/completions", {"model": "memory", "prompt": "a"})
        engine.wait(lambda it: len(it.asks) == 1)
        connection.close()
        engine.wait(lambda it: bool(it.cancelled))
        assert lines_of(running)[0]["status"] == 499


def test_a_fault_in_a_stream_is_named_in_the_log(base: Base) -> None:
    with served(base, engine=Recorder(Piece("half", 5), Piece("", finish="error", error="a secret"))) as running:
        running.post("/v1/completions", prompt="a", stream=True)
        [line] = lines_of(running)
    assert (line["status"], line["code"], "secret" in running.log.getvalue()) == (200, "generation_failed", False)


def test_a_line_of_the_log_is_one_line(server: Served) -> None:
    before = len(lines_of(server))
    server.get("/v1/models/a%0a%7b%22status%22%3a200%7d")
    assert len(lines_of(server)) == before + 1


def test_health_follows_the_engine(base: Base) -> None:
    engine = Patient()
    with served(base, engine=engine) as running:
        assert running.get("/health").status == running.get("/ready").status == 200
        engine.state = lambda: EngineState(alive=False)  # type: ignore[method-assign]
        assert running.get("/health").message == "the engine has stopped; start the server again"
        assert running.get("/ready").status == 503


@pytest.fixture
def program(model: Path) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """`capo serve` with a tiny base, its port, and the base's name."""
    command = [sys.executable, "-m", "capotasto", "serve", "--base", str(model), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        text = ""
        while not text.rstrip().endswith("}"):
            text += running.stdout.readline()  # type: ignore[union-attr]
            assert running.poll() is None
        told = json.loads(text)
        yield running, int(told["address"].rpartition(":")[2]), told["model"]
        running.kill()


def request(port: int, body: dict[str, Any]) -> HTTPConnection:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
    return connection


def test_sigterm_finishes_what_runs_and_refuses_what_comes(
    program: tuple[subprocess.Popen[str], int, str],
) -> None:
    running, port, model = program
    body = {"model": model, "prompt": "sun", "max_tokens": 240, "ignore_eos": True, "stream": True}
    first = request(port, body).getresponse()
    assert first.status == 200
    first.readline()
    running.send_signal(signal.SIGTERM)
    late = None
    while late is None or late.status == 200:  # until the signal has arrived
        late = request(port, {**body, "max_tokens": 1}).getresponse()
        late.read()
    assert (late.status, late.getheader("retry-after")) == (503, "5")
    assert first.read().endswith(b"data: [DONE]\n\n")
    assert running.wait(20) == 0


@pytest.mark.parametrize("stream", [False, True])
def test_what_does_not_end_in_time_is_cut_off_with_a_word(base: Base, stream: bool) -> None:
    engine = Patient()
    with served(base, engine=engine, drain_seconds=0.1) as running:
        connection = running.connection("POST", "/v1/completions", {"model": "memory", "prompt": "a", "stream": stream})
        engine.wait(lambda it: len(it.asks) == 1)
        running.terminate()
        answer = connection.getresponse()
        assert b"the server is shutting down" in answer.read()
        assert answer.status == (200 if stream else 503)


def test_a_port_that_is_taken(server: Served) -> None:
    from capotasto.errors import SettingError
    from capotasto.serve.web.server import listen

    with pytest.raises(SettingError, match=f"cannot listen on 127.0.0.1, port {server.port} .*; choose another --port"):
        listen("127.0.0.1", server.port)
