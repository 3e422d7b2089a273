"""Text over HTTP is the text that the base writes in memory, whatever carries it."""

import time
from pathlib import Path
from typing import Any

import pytest
import torch

from capotasto.artifact import load_adapter
from capotasto.errors import DataError
from capotasto.serve.asks import Ask, Busy, Piece
from capotasto.serve.endpoints import completions
from capotasto.session import Base
from tests.reference import logits_alone, untouched
from tests.serve.conftest import KINDS
from tests.serve.engines import Patient, Recorder
from tests.serve.serving import Served, served

PROMPT = "the rain in the north"
WRITERS = [name for name, kind in KINDS.items() if "head" not in kind]


def greedy(base: Base, shelf: Path, name: str, chat: bool, count: int = 8) -> str:
    adapter = None if name == base.name else load_adapter(shelf / name, base, name)
    return base.generate([PROMPT], [adapter], chat=chat, max_new_tokens=count)[0]


@pytest.mark.parametrize("name", ["memory", *WRITERS])
def test_a_completion_is_what_the_base_writes(server: Served, base: Base, shelf: Path, name: str) -> None:
    heard = server.post("/v1/completions", model=name, prompt=PROMPT, temperature=0, max_tokens=8).json
    assert heard["object"] == "text_completion"
    assert heard["choices"][0]["text"] == greedy(base, shelf, name, chat=False)
    assert heard["choices"][0]["finish_reason"] == "length"
    tokens = len(base.tokenizer(PROMPT)["input_ids"])
    assert heard["usage"] == {"prompt_tokens": tokens, "completion_tokens": 8, "total_tokens": tokens + 8}


@pytest.mark.parametrize("name", ["memory", *WRITERS])
def test_a_stream_brings_the_same_text_in_pieces(server: Served, base: Base, shelf: Path, name: str) -> None:
    asked = {"prompt": PROMPT, "temperature": 0, "max_tokens": 8, "stream": True}
    events = server.post("/v1/completions", model=name, **asked, stream_options={"include_usage": True}).events
    assert "".join(one["choices"][0]["text"] for one in events[:-1]) == greedy(base, shelf, name, chat=False)
    assert [one["choices"][0]["finish_reason"] for one in events[:-1]] == [None] * 7 + ["length"]
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["completion_tokens"] == 8
    assert len({one["id"] for one in events}) == 1


def test_prompts_may_be_texts_or_token_ids(server: Served, base: Base) -> None:
    ids = list(base.tokenizer(PROMPT)["input_ids"])
    asked = [PROMPT, [PROMPT], ids, [ids]]
    texts = [server.post("/v1/completions", prompt=one, temperature=0, max_tokens=4).json["choices"] for one in asked]
    assert texts[0] == texts[1] == texts[2] == texts[3]
    both = server.post("/v1/completions", prompt=[PROMPT, "sun"], temperature=0, max_tokens=4, n=2).json["choices"]
    assert [one["index"] for one in both] == [0, 1, 2, 3]
    assert both[0]["text"] == both[1]["text"] == texts[0][0]["text"] != both[2]["text"]


def test_the_same_seed_writes_the_same_and_another_one_another(server: Served) -> None:
    def text(**more: Any) -> list[str]:
        heard = server.post("/v1/completions", prompt=PROMPT, max_tokens=12, **more).json
        return [one["text"] for one in heard["choices"]]

    first = text(seed=3, n=2)
    assert text(seed=3, n=2) == first
    assert first[0] != first[1]
    assert text(seed=4) == first[1:]  # the second answer goes on from the next seed
    assert text(seed=-1) == text(seed=-1)
    assert text() != text()  # left out, it is drawn anew
    assert text(top_k=1) == text(temperature=0) == text(top_p=1e-9)


def test_stop_texts_end_an_answer_and_are_not_in_it(server: Served) -> None:
    asked = {"prompt": PROMPT, "temperature": 0, "max_tokens": 30}
    whole = server.post("/v1/completions", **asked).json["choices"][0]["text"]
    stop = whole[len(whole) // 2 :][:3]
    heard = server.post("/v1/completions", **asked, stop=["never there", stop]).json["choices"][0]
    assert (heard["text"], heard["finish_reason"]) == (whole[: whole.index(stop)], "stop")


def test_logprobs_are_those_of_the_model_itself(base: Base, twin: Base, server: Served, shelf: Path) -> None:
    asked = {"prompt": PROMPT, "temperature": 0, "max_tokens": 3, "logprobs": 2, "echo": True}
    choice = server.post("/v1/completions", model="support", **asked).json["choices"][0]
    lines, row = choice["logprobs"], base.renderer().given(base.tokenizer(PROMPT)["input_ids"])
    adapter = load_adapter(shelf / "support", base)
    logits = logits_alone(untouched(twin), row, adapter).log_softmax(-1).detach()[adapter.tokens - 1 :]
    wanted = [float(logits[i, token]) for i, token in enumerate(row.ids)]
    assert lines["token_logprobs"][: len(wanted)] == pytest.approx(wanted, abs=1e-4)
    assert lines["token_logprobs"][len(wanted)] == pytest.approx(float(logits[-1].max()), abs=1e-4)
    assert len(lines["tokens"]) == len(row.ids) + 3
    assert choice["text"].startswith(PROMPT)
    assert all(
        choice["text"][at:].startswith(text)
        for at, text in zip(lines["text_offset"], lines["tokens"], strict=True)
        if at < len(PROMPT)
    )
    assert all(2 <= len(one) <= 3 for one in lines["top_logprobs"])


def test_a_prompt_can_be_scored_without_writing(server: Served) -> None:
    heard = server.post("/v1/completions", prompt=PROMPT, max_tokens=0, echo=True, logprobs=0).json
    assert heard["choices"][0]["text"] == PROMPT
    assert heard["choices"][0]["logprobs"]["token_logprobs"][0] is None  # nothing stands before it
    assert heard["usage"]["completion_tokens"] == 0


def ending(base: Base) -> list[int]:
    """A prompt, as ids, after which an end token is the likeliest."""
    ends = base.renderer().stops
    for ids in ([one, other] for one in range(5, 300) for other in range(5, 40)):
        if int(logits_alone(untouched(base), base.renderer().given(ids), None)[-1].argmax()) in ends:
            return ids
    raise AssertionError("no such prompt")


@pytest.mark.parametrize("stream", [False, True])
def test_an_end_token_has_its_logprob(server: Served, twin: Base, stream: bool) -> None:
    ids = ending(twin)
    asked = {"prompt": ids, "temperature": 0, "max_tokens": 1, "logprobs": 1, "echo": True, "stream": stream}
    heard = server.post("/v1/completions", **asked)
    lines = [one["choices"][0]["logprobs"] for one in (heard.events if stream else [heard.json])]
    chances = [chance for one in lines for chance in one["token_logprobs"]]
    assert len(chances) == len(ids) + 1  # as lm-eval expects: it cuts off what was written, by number
    last = logits_alone(untouched(twin), twin.renderer().given(ids), None)[-1].log_softmax(-1)
    assert chances[-1] == pytest.approx(float(last.max()), abs=1e-4)
    assert heard.content.count(b'"finish_reason":"stop"') == 1


def test_a_token_is_decoded_once(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[Any] = []
    decode = base.tokenizer.decode
    with served(base) as running:
        monkeypatch.setattr(base.tokenizer, "decode", lambda ids, **more: decoded.append(ids) or decode(ids, **more))
        asked = {"prompt": [5, 6, 5, 6] * 20, "max_tokens": 0, "logprobs": 20, "echo": True, "n": 2}
        first = running.post("/v1/completions", **asked).json["choices"]
        assert first == [
            {**one, "index": i} for i, one in enumerate(running.post("/v1/completions", **asked).json["choices"])
        ]
    singly = [ids[0] for ids in decoded if len(ids) == 1]
    assert sorted(singly) == sorted({*singly})
    assert first[0]["logprobs"] == first[1]["logprobs"]


@pytest.mark.parametrize("name", ["memory", "support", "quotes"])
def test_a_chat_answer_is_what_the_base_writes(server: Served, base: Base, shelf: Path, name: str) -> None:
    asked = {"messages": [{"role": "user", "content": PROMPT}], "temperature": 0, "max_completion_tokens": 8}
    heard = server.post("/v1/chat/completions", model=name, **asked).json
    assert heard["object"] == "chat.completion"
    wanted = greedy(base, shelf, name, chat=True)
    assert heard["choices"][0]["message"] == {"role": "assistant", "content": wanted}
    events = server.post("/v1/chat/completions", model=name, **asked, stream=True).events
    assert events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(one["choices"][0]["delta"].get("content", "") for one in events) == wanted
    assert events[-1]["choices"][0]["finish_reason"] == "length"


def test_parts_of_a_message_are_one_text(server: Served) -> None:
    def said(content: Any) -> str:
        messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": content}]
        heard = server.post("/v1/chat/completions", messages=messages, temperature=0, max_tokens=4)
        return heard.json["choices"][0]["message"]["content"]

    assert said([{"type": "text", "text": "the "}, {"type": "text", "text": "rain"}]) == said("the rain")


def test_logprobs_of_a_chat(server: Served) -> None:
    asked = {"messages": [{"role": "user", "content": "sun"}], "temperature": 0, "max_tokens": 3}
    choice = server.post("/v1/chat/completions", **asked, logprobs=True, top_logprobs=2).json["choices"][0]
    placed = choice["logprobs"]["content"]
    assert len(placed) == 3
    for one in placed:
        assert one["logprob"] == one["top_logprobs"][0]["logprob"] > one["top_logprobs"][1]["logprob"]
        assert one["bytes"] is None or bytes(one["bytes"]).decode() == one["token"]


def test_what_is_asked_reaches_the_engine(base: Base) -> None:
    engine = Recorder()
    with served(base, engine=engine) as running:
        chat = {"messages": [{"role": "user", "content": "hi"}]}
        form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "integer"}}}
        running.post("/v1/chat/completions", **chat, response_format=form)
        running.post("/v1/chat/completions", **chat, response_format={"type": "json_object"})
        running.post("/v1/completions", prompt="a", guided_regex="[ab]+", ignore_eos=True, top_k=-1, logprobs=3)
        running.post("/v1/completions", prompt="a", guided_json={"type": "null"}, presence_penalty=1, stop="x")
        running.post("/v1/completions", prompt="a", frequency_penalty=-2, repetition_penalty=1.5, temperature=1e-9)
    first, second, third, fourth, fifth = engine.asks
    assert (first.schema, second.schema) == ('{"type": "integer"}', '{"type": "object"}')
    assert (first.settings.max_new_tokens, first.settings.temperature) == (237, 1.0)  # what fits the context
    assert (third.pattern, third.settings.ignore_end, third.settings.top_k, third.logprobs) == ("[ab]+", True, 0, 3)
    assert (fourth.schema, fourth.settings.presence_penalty, fourth.stop) == ('{"type": "null"}', 1, ("x",))
    assert (fifth.settings.frequency_penalty, fifth.settings.repetition_penalty) == (-2, 1.5)
    assert fifth.settings.temperature == 0  # so low a temperature would only overflow


def test_an_unfinished_row_is_an_error_and_no_half_answer(base: Base) -> None:
    with served(base, engine=Recorder(Piece("half", 5), Piece("", finish="error", error="a fault"))) as running:
        heard = running.post("/v1/completions", prompt="a")
        assert (heard.status, heard.message) == (500, "the answer could not be written: a fault")
        content = running.post("/v1/completions", prompt="a", stream=True).content.decode()
        assert content.endswith('"code": "generation_failed"}}\n\n')  # and no [DONE]


@pytest.mark.parametrize(("error", "status"), [(Busy("the queue is full"), 503), (DataError("it can never fit"), 400)])
def test_what_the_engine_refuses_is_refused(base: Base, error: Exception, status: int) -> None:
    class Refusing(Recorder):
        def submit(self, *_: Any) -> Any:
            raise error

    with served(base, engine=Refusing()) as running:
        for stream in (False, True):
            heard = running.post("/v1/completions", prompt="a", stream=stream)
            assert (heard.status, heard.message) == (status, str(error))
            assert ("retry-after" in heard.headers) == (status == 503)
        assert running.service.allowance.tokens.total() == 0


def test_a_schema_that_takes_long_to_read_holds_up_nobody(base: Base) -> None:
    class Slow(Patient):
        def submit(self, ask: Ask, hear: Any) -> Any:
            if ask.pattern:
                time.sleep(1.5)
            return super().submit(ask, hear)

    engine = Slow()
    with served(base, engine=engine) as running:
        slow = running.connection("POST", "/v1/completions", {"model": "memory", "prompt": "a", "guided_regex": "a"})
        time.sleep(0.3)
        begin = time.monotonic()
        assert running.get("/v1/models").status == 200
        assert time.monotonic() - begin < 1
        slow.close()  # while it is being read: it is cancelled as soon as it stands
        engine.wait(lambda it: it.cancelled == [0])
        running.settle()


CHAT = {"messages": [{"role": "user", "content": "hi"}]}
BAD = [
    ("/v1/completions", {"prompt": 3}, 400, "prompt: input should be a valid string"),
    ("/v1/completions", {}, 400, "prompt: field required"),
    ("/v1/completions", {"prompt": []}, 400, "list should have at least 1 item"),
    ("/v1/completions", {"prompt": ""}, 400, "the prompt is empty"),
    ("/v1/completions", {"prompt": [999]}, 400, "token 999 is none of the base's, 0 to 303"),
    ("/v1/completions", {"prompt": "a " * 300}, 400, "the context has 256"),
    ("/v1/completions", {"prompt": "a", "max_tokens": 300}, 400, "make 301: the context has 256"),
    ("/v1/completions", {"prompt": "a", "model": "suport"}, 404, "did you mean 'support'"),
    ("/v1/completions", {"prompt": "a", "model": "../support"}, 404, "no model"),
    ("/v1/completions", {"prompt": "a", "model": "moods"}, 400, "/v1/classify"),
    ("/v1/completions", {"prompt": "a", "temperature": "hot"}, 400, "temperature: input should be a valid number"),
    ("/v1/completions", {"prompt": "a", "temperature": -1}, 400, "temperature: "),
    ("/v1/completions", {"prompt": "a", "n": 9}, 400, "n is 9"),
    ("/v1/completions", {"prompt": "a", "n": True}, 400, "n: "),
    ("/v1/completions", {"prompt": ["a"] * 65}, 400, "65 texts or answers in one request"),
    ("/v1/completions", {"prompt": ["a"] * 33, "n": 2}, 400, "66 texts or answers in one request"),
    ("/v1/completions", {"prompt": "a", "stop": ["x"] * 17}, 400, "stop: "),
    ("/v1/completions", {"prompt": "a", "stop": "x" * 257}, 400, "stop: "),
    ("/v1/completions", {"prompt": "a", "logprobs": 21}, 400, "logprobs: "),
    ("/v1/completions", {"prompt": "a", "best_of": 3}, 400, "best_of is not supported"),
    ("/v1/completions", {"prompt": "a", "suffix": "z"}, 400, "suffix is not supported"),
    ("/v1/completions", {"prompt": "a", "logit_bias": {"5": 1}}, 400, "logit_bias is not supported"),
    ("/v1/completions", {"prompt": "a", "guided_choice": ["x"]}, 400, "guided_choice is not supported"),
    ("/v1/completions", {"prompt": "a", "guided_grammar": "x"}, 400, "guided_grammar is not supported"),
    ("/v1/completions", {"prompt": "a", "structured_outputs": {"regex": "x"}}, 400, "structured_outputs is not"),
    ("/v1/completions", {"prompt": "a", "min_tokens": 3}, 400, "min_tokens is not supported"),
    ("/v1/completions", {"prompt": "a", "min_p": 0.1}, 400, "min_p is not supported"),
    ("/v1/completions", {"prompt": "a", "stop_token_ids": [5]}, 400, "stop_token_ids is not supported"),
    ("/v1/chat/completions", {**CHAT, "audio": {"voice": "x"}}, 400, "audio is not supported"),
    ("/v1/chat/completions", {**CHAT, "modalities": ["text", "audio"]}, 400, "other than text are not supported"),
    ("/v1/completions", {"prompt": "a", "max_tokens": 0}, 400, "max_tokens is 0"),
    ("/v1/completions", {"prompt": "a", "guided_json": "{"}, 400, "guided_json is no JSON"),
    ("/v1/completions", {"prompt": "a", "guided_json": {}, "guided_regex": "a"}, 400, "exclude each other"),
    ("/v1/chat/completions", {"messages": []}, 400, "messages: list should have at least 1 item"),
    ("/v1/chat/completions", {"messages": [{"role": "tool", "content": "x"}]}, 400, "messages.0.role: "),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": 4}]}, 400, "messages.0.content: "),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "'text'"),
    ("/v1/chat/completions", {**CHAT, "tools": [{}]}, 400, "tools are not supported"),
    ("/v1/chat/completions", {**CHAT, "top_logprobs": 2}, 400, "needs logprobs"),
    ("/v1/chat/completions", {**CHAT, "max_tokens": 0}, 400, "max_tokens is 0"),
    ("/v1/chat/completions", {**CHAT, "response_format": {"type": "json_schema"}}, 400, "no json_schema.schema"),
    ("/v1/nowhere", {}, 404, "no endpoint /v1/nowhere"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "status", "words"), BAD)
def test_bad_requests_are_one_clear_line(
    server: Served, path: str, body: dict[str, Any], status: int, words: str
) -> None:
    heard = server.post(path, **body)
    assert heard.status == status
    assert words in heard.message


def test_bodies_that_are_no_json_object(server: Served) -> None:
    for body, words in ((b"{", "no JSON"), (b"[]", "JSON object"), (b"", "JSON object"), (b"[" * 9000, "body")):
        heard = server.ask("POST", "/v1/completions", body)
        assert (heard.status, words in heard.message) == (400, True)
    heard = server.ask("POST", "/v1/completions", b'{"model": "memory", "prompt": "\\ud800"}')
    assert (heard.status, "surrogate" in heard.message) == (400, True)
    heard = server.ask(
        "POST", "/v1/completions", b'{"model": "memory", "prompt": "a"}', **{"Content-Type": "text/plain"}
    )
    assert heard.status == 400  # what a web page may send without asking is not taken
    assert server.ask("PUT", "/v1/completions", b"{}").status == 405


def test_unknown_fields_are_passed_over(server: Served) -> None:
    heard = server.post("/v1/completions", prompt="a", max_tokens=1, user="me", store=False, metadata={}, stop=None)
    assert heard.status == 200


def test_fields_that_change_nothing_are_passed_over(server: Served) -> None:
    nothing = {"min_tokens": 0, "min_p": 0.0, "stop_token_ids": [], "guided_choice": None, "logit_bias": {}}
    assert server.post("/v1/completions", prompt="a", max_tokens=1, **nothing).status == 200
    heard = server.post("/v1/chat/completions", **CHAT, max_tokens=1, **nothing, modalities=["text"], audio=None)
    assert heard.status == 200


def test_deep_bodies_are_refused_or_read(server: Served) -> None:
    for depth in [10, 90, 120, 300, *range(850, 1001, 5), 3000]:
        deep = b'{"x": ' * depth + b"1" + b"}" * depth
        for field in (b"user", b"guided_json"):
            body = b'{"model": "memory", "prompt": "a", "max_tokens": 1, "%s": %s}' % (field, deep)
            heard = server.ask("POST", "/v1/completions", body)
            wanted = {200} if depth < 100 else {400} if field == b"guided_json" or depth > 1000 else {200, 400}
            assert heard.status in wanted, (depth, field, heard.content)


def test_models(server: Served, base: Base) -> None:
    cards = server.get("/v1/models").json["data"]
    assert [one["id"] for one in cards] == ["memory", *sorted(KINDS)]
    assert {one["parent"] for one in cards[1:]} == {"memory"}
    assert server.get("/v1/models/support").json["id"] == "support"
    assert server.get("/v1/models/suport").status == 404


def test_more_logprobs_than_an_answer_has_are_refused(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completions, "_MOST_CHANCES", 120)
    with served(base) as running:
        asked = {"prompt": [5] * 10, "max_tokens": 2, "logprobs": 2}
        assert running.post("/v1/completions", **asked, echo=True, n=3).status == 200  # 36 tokens, 108 numbers
        assert running.post("/v1/completions", **asked, n=8).status == 200
        heard = running.post("/v1/completions", **asked, echo=True, n=4)
        assert (heard.status, heard.json["error"]["param"]) == (400, "logprobs")
        assert "logprobs is 2, for 48 tokens: that is 144 numbers" in heard.message


def test_openai_s_own_client(server: Served) -> None:
    from openai import BadRequestError, NotFoundError, OpenAI

    client = OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0)
    messages: Any = [{"role": "user", "content": "sun"}]
    whole = client.chat.completions.create(model="support", messages=messages, temperature=0, max_tokens=6)
    pieces = client.chat.completions.create(
        model="support", messages=messages, temperature=0, max_tokens=6, stream=True
    )
    text = "".join(one.choices[0].delta.content or "" for one in pieces)
    assert text == whole.choices[0].message.content
    assert {one.id for one in client.models.list()} >= {"memory", "support"}
    with pytest.raises(NotFoundError, match="did you mean 'support'"):
        client.completions.create(model="suport", prompt="a")
    with pytest.raises(BadRequestError, match="/v1/classify"):
        client.completions.create(model="moods", prompt="a")


def test_an_encoder_writes_nothing() -> None:
    from tests.making import make_base

    with served(make_base("bert", torch.float32)) as running:
        assert "is an encoder and writes no text" in running.post("/v1/completions", prompt="a").message
