"""Answers that follow a schema or a pattern, beside rows that follow none."""

import json
import re
import sys

import pytest

from capotasto.errors import DataError, SettingError
from tests.decoding.making import adapter_of
from tests.serve.asking import Heard, make_ask
from tests.serve.test_engine import engine as engine
from tests.serve.test_engine import expected

pytest.importorskip("llguidance")
SCHEMA = json.dumps({
    "type": "object",
    "properties": {"sunny": {"type": "boolean"}, "kind": {"enum": ["rain", "sun"]}},
    "required": ["sunny", "kind"],
    "additionalProperties": False,
})  # fmt: skip


def test_answers_follow_and_neighbours_do_not_notice(engine):
    adapters = [adapter_of("llama", kind) for kind in ("prompt", "lora", None)]
    sampled = {"max_new_tokens": 60, "temperature": 1.0}
    plain = [make_ask(i, one, max_new_tokens=20) for i, one in enumerate(adapters)]
    asks = [
        *(make_ask(i, one, seed=i, schema=SCHEMA, **sampled) for i, one in enumerate(adapters)),
        *(make_ask(i, one, seed=i, pattern=r"[a-c]{3}-\d{2,4}", **sampled) for i, one in enumerate(adapters)),
        *plain,
    ]
    heard = [Heard() for _ in asks]
    for ask, one in zip(asks, heard, strict=True):
        engine.submit(ask, one)
    for one in heard[:3]:
        assert one.wait().finish == "stop"
        assert json.loads(one.text).keys() == {"sunny", "kind"}
    for one in heard[3:6]:
        assert one.wait().finish == "stop"
        assert re.fullmatch(r"[a-c]{3}-\d{2,4}", one.text)
    assert [one.wait().tokens for one in heard[6:]] == [expected(ask) for ask in plain]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"schema": "{nope"}, "JSON schema is not valid JSON"),
        ({"schema": '{"type": "nope"}'}, "JSON schema cannot be followed: Invalid type: nope; change it"),
        ({"pattern": "a(b"}, "pattern cannot be followed: .*invalid regex"),
        ({"pattern": "a", "schema": "{}"}, "cannot both be followed; give one"),
        ({"pattern": "a", "ignore_end": True}, "leave out ignore_end"),
    ],
)
def test_what_cannot_be_followed_is_refused(engine, given, words):
    with pytest.raises(DataError, match=words) as caught:
        engine.submit(make_ask(0, **given), Heard())
    assert "\n" not in str(caught.value)


def test_the_missing_package_is_named(engine, monkeypatch):
    monkeypatch.setitem(sys.modules, "llguidance", None)
    with pytest.raises(SettingError, match=r"pip install 'capotasto\[serve\]'"):
        engine.submit(make_ask(0, pattern="a"), Heard())
