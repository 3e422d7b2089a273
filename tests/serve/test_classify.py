"""Labels, numbers and vectors over HTTP are those computed in memory."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from capotasto.artifact import load_adapter
from capotasto.evaluate.questions import choose
from capotasto.session import Base
from capotasto.types import Example, Turn
from tests.making import LABELS
from tests.reference import states_alone, untouched
from tests.serve.serving import Served

TEXTS = ["the rain in the north", "sun", "one question, another answer " * 3]


@pytest.mark.parametrize("name", ["moods", "scores", "tags"])
def test_a_head_says_what_it_says_in_memory(server: Served, base: Base, shelf: Path, name: str) -> None:
    adapter = load_adapter(shelf / name, base)
    heard = server.post("/v1/classify", model=name, input=TEXTS).json
    assert [one["index"] for one in heard["data"]] == [0, 1, 2]
    for one, wanted in zip(heard["data"], base.classify(TEXTS, adapter), strict=True):
        found = one["numbers"] if name == "scores" else one["probabilities"]
        assert found == pytest.approx(wanted)
    words = base.label(TEXTS, adapter)
    if name == "moods":
        assert [one["label"] for one in heard["data"]] == words
        assert heard["data"][0]["probs"] == list(heard["data"][0]["probabilities"].values())
    if name == "tags":
        assert [", ".join(one["labels"]) for one in heard["data"]] == words
        assert {one["label"] for one in heard["data"]} == {None}
    tokens = sum(len(base.renderer(adapter).prompt([base.turn(text, adapter)]).ids) for text in TEXTS)
    assert heard["usage"]["prompt_tokens"] == tokens


def test_a_text_adapter_of_a_label_task_chooses_among_its_labels(server: Served, base: Base, shelf: Path) -> None:
    adapter = load_adapter(shelf / "topics", base)
    heard = server.post("/v1/classify", model="topics", input=TEXTS[0]).json["data"]
    example = Example((Turn("user", TEXTS[0]), Turn("assistant", "", learn=True)))
    chances = np.exp(choose(base, base.renderer(adapter), [example], LABELS, adapter)[0])
    assert heard[0]["probabilities"] == pytest.approx(dict(zip(LABELS, chances / chances.sum(), strict=True)))
    assert heard[0]["label"] == LABELS[int(chances.argmax())]


@pytest.mark.parametrize("name", ["memory", "quotes"])
def test_vectors_are_mean_states_of_length_one(server: Served, base: Base, twin: Base, shelf: Path, name: str) -> None:
    adapter = None if name == "memory" else load_adapter(shelf / name, base)
    heard = server.post("/v1/embeddings", model=name, input=TEXTS).json
    for one, text in zip(heard["data"], TEXTS, strict=True):
        row = base.renderer().given(base.tokenizer(text)["input_ids"])
        mean = states_alone(untouched(twin), row, adapter).mean(0).detach()
        assert one["embedding"] == pytest.approx((mean / mean.norm()).tolist(), abs=1e-5)
    ids = [list(base.tokenizer(text)["input_ids"]) for text in TEXTS]
    packed = server.post("/v1/embeddings", model=name, input=ids, encoding_format="base64").json["data"]
    for one, other in zip(heard["data"], packed, strict=True):
        assert np.frombuffer(base64.b64decode(other["embedding"]), "<f4") == pytest.approx(one["embedding"], abs=1e-5)


def test_openai_s_own_client_reads_vectors(server: Served) -> None:
    from openai import OpenAI

    client = OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0)
    found = client.embeddings.create(model="memory", input="sun").data[0].embedding
    assert found == pytest.approx(server.post("/v1/embeddings", input="sun").json["data"][0]["embedding"], abs=1e-6)


def test_tokens(server: Served, base: Base) -> None:
    heard = server.post("/tokenize", prompt=TEXTS[0], return_token_strs=True).json
    assert heard["tokens"] == base.tokenizer(TEXTS[0])["input_ids"]
    assert (heard["count"], heard["max_model_len"]) == (len(heard["tokens"]), 256)
    assert len(heard["token_strs"]) == heard["count"]
    chat = server.post("/tokenize", messages=[{"role": "user", "content": "sun"}]).json
    assert base.tokenizer.decode(chat["tokens"]) == "<|start|>user\nsun<|end|>\n<|start|>assistant\n"


BAD = [
    ("/v1/classify", {"model": "support", "input": "a"}, "'support' has no labels"),
    ("/v1/classify", {"input": "a"}, "'memory' has no labels"),
    ("/v1/classify", {"model": "moods", "input": []}, "at least 1 item"),
    ("/v1/classify", {"model": "moods", "input": ["a"] * 65}, "65 texts or answers in one request"),
    ("/v1/classify", {"model": "moods", "input": "a " * 300}, "the context has 256"),
    ("/v1/classify", {"model": "topics", "input": "a" * 232}, "the context has 256"),
    ("/v1/embeddings", {"input": ""}, "the prompt is empty"),
    ("/v1/embeddings", {"input": [[]]}, "at least 1 item"),
    ("/v1/embeddings", {"input": [304]}, "token 304 is none of the base's"),
    ("/v1/embeddings", {"input": "a", "dimensions": 5}, "the base's states have 32"),
    ("/v1/embeddings", {"input": "a", "encoding_format": "hex"}, "'float' or 'base64'"),
    ("/tokenize", {}, "send either prompt or messages"),
]


@pytest.mark.parametrize(("path", "body", "words"), BAD)
def test_bad_requests_are_one_clear_line(server: Served, path: str, body: dict[str, Any], words: str) -> None:
    heard = server.post(path, **body)
    assert heard.status == 400
    assert words in heard.message
