"""Chat requests that ask for an index: what stands before the question, who may, and what is told of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from capotasto.retrieve.build import build_index
from capotasto.retrieve.index import Index
from capotasto.retrieve.prompt import fitting
from capotasto.serve import keys
from capotasto.session import Base
from tests.making import make_base
from tests.retrieve.making import write_docs
from tests.serve.serving import Heard, Served, served
from tests.tiny import save_base

QUESTION = "How are trains booked?"


@pytest.fixture(scope="module")
def base() -> Base:
    """With room for passages."""
    made = make_base("llama", torch.float32)
    made.model.config.max_position_embeddings = 600
    return made


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("indexed")
    encoder = save_base(folder / "encoder", "bert")
    build_index(write_docs(folder / "docs"), folder / "index", embedder=f"base:{encoder}")
    return str(folder / "index")


@pytest.fixture(scope="module")
def server(base: Base, index: str) -> Iterator[Served]:
    with served(base, indices={"handbook": index}) as running:
        yield running


def chat(running: Served, question: str = QUESTION, key: str | None = None, **more: object) -> Heard:
    messages = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Yes?"}]
    body = {"model": "memory", "messages": [*messages, {"role": "user", "content": question}], "max_tokens": 4, **more}
    return running.ask("POST", "/v1/chat/completions", {"temperature": 0, **body}, key)


def test_the_passages_stand_before_the_last_message_and_come_with_the_answer(
    server: Served, base: Base, index: str
) -> None:
    answer = chat(server, index="handbook", index_top=2, index_search="text").json
    hits = Index.open(index).search(QUESTION, 2, "text")
    assert [one["number"] for one in answer["passages"]] == list(range(1, len(hits) + 1))
    assert [{k: v for k, v in one.items() if k != "number"} for one in answer["passages"]] == [
        one.as_dict() for one in hits
    ]
    prompt, _ = fitting(QUESTION, hits, base.tokenizer, len, None)
    by_hand = chat(server, prompt).json
    assert answer["choices"] == by_hand["choices"]
    assert answer["usage"] == by_hand["usage"]
    assert by_hand["passages"] is None


def test_a_stream_brings_the_passages_first_and_once(server: Served) -> None:
    asked = {"index": "handbook", "index_top": 1, "index_search": "vector"}
    events = chat(server, **asked, stream=True, n=2).events
    assert events[0]["passages"] == chat(server, **asked).json["passages"]
    assert all(one["passages"] is None for one in events[1:])


def test_passages_that_do_not_fit_are_left_out(server: Served) -> None:
    assert len(chat(server, index="handbook", index_top=20, index_search="vector").json["passages"]) < 8
    heard = chat(server, "trains " * 150, index="handbook")
    assert (heard.status, heard.json["error"]["param"]) == (400, "index")
    assert "the question and its first passage do not fit" in heard.message


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"index": "handbok"}, 404, "no index 'handbok'; did you mean 'handbook'?"),
        ({"index": ""}, 404, "no index ''"),
        ({"index": "handbook", "index_top": 0}, 400, "index_top"),
        ({"index": "handbook", "index_search": "fuzzy"}, 400, "index_search"),
        ({"index": "handbook", "question": " "}, 400, "the question is empty"),
        ({"index": "handbook", "messages": [{"role": "system", "content": "a"}]}, 400, "is not a user's"),
    ],
)
def test_what_an_index_cannot_be_asked_is_one_line(server: Served, more: dict, status: int, words: str) -> None:
    heard = chat(server, **more)
    assert heard.status == status
    assert words in heard.message


def test_a_server_without_indices_says_so(base: Base) -> None:
    with served(base) as running:
        assert "this server has none: start it with --index NAME=DIR" in chat(running, index="handbook").message


def test_a_keys_patterns_hold_for_indices_too(base: Base, index: str, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    acme, other = keys.add(file, "acme", ["acme-*"]), keys.add(file, "other", ["other-*"])
    with served(base, keys=file, indices={"acme-handbook": index}) as running:
        assert chat(running, key=acme, index="acme-handbook").status == 200
        refused, unknown = (chat(running, key=other, index=name) for name in ("acme-handbook", "acme-handbooc"))
        assert (refused.status, unknown.status) == (404, 404)
        assert refused.message == "no index 'acme-handbook'; known: none"
        assert unknown.message == "no index 'acme-handbooc'; known: none"
