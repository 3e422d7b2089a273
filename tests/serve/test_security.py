"""Who may reach the server, who may use what, and how much of it."""

import hashlib
import hmac
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from capotasto.artifact import save_adapter
from capotasto.errors import SettingError, UserError
from capotasto.serve import keys
from capotasto.serve.settings import ServeSettings
from capotasto.serve.tenants import Tenant
from capotasto.serve.web import whole_body
from capotasto.session import Base
from tests.making import make_adapter
from tests.serve.engines import Patient
from tests.serve.serving import Served, served

ASKED = {"prompt": "a", "max_tokens": 2}


@dataclass
class Tenants:
    """A server with adapters of two tenants, their keys, and an admin's for each."""

    running: Served
    folder: Path
    keys: dict[str, str]

    def ask(self, who: str, verb: str, path: str, **body: Any) -> Any:
        return self.running.ask(verb, path, body or None, self.keys[who])


@pytest.fixture(scope="module")
def tenants(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenants]:
    folder = tmp_path_factory.mktemp("adapters")
    for seed, name in enumerate(("acme-a", "acme-b", "umbrella-a")):
        save_adapter(make_adapter("prompt", base, seed=seed, name=name), folder / name, base, {})
    file = folder.parent / "keys.yaml"
    made = {
        "acme": keys.add(file, "acme", ["acme-*"]),
        "umbrella": keys.add(file, "umbrella", ["umbrella-*"]),
        "boss": keys.add(file, "boss", ["umbrella-*"], admin=True),
        "all": keys.add(file, "all", [], admin=True),
    }
    with served(base, keys=file, adapters_dir=folder) as running:
        yield Tenants(running, folder, made)


@pytest.mark.parametrize("sent", [None, "", "capo_wrong", "x" * 5000, "\xff\xfe"])
def test_without_a_valid_key_nothing_is_answered(tenants: Tenants, sent: str | None) -> None:
    for path in ("/v1/models", "/v1/adapters", "/metrics", "/openapi.json", "/nowhere"):
        heard = tenants.running.ask("GET", path, key=sent)
        assert (heard.status, heard.headers["www-authenticate"]) == (401, "Bearer")
        assert heard.message.startswith("no valid key")
    assert tenants.running.ask("POST", "/v1/completions", ASKED, key=sent).status == 401
    assert tenants.running.get("/health").json == {"status": "ok"}
    assert tenants.running.get("/ready").status == 200


def test_only_bearer_keys_count(tenants: Tenants) -> None:
    for form, status in (("Bearer {}", 200), ("bearer  {}", 200), ("Basic {}", 401), ("{}", 401)):
        sent = {"Authorization": form.format(tenants.keys["acme"])}
        assert tenants.running.ask("GET", "/v1/models", **sent).status == status


def test_tenants_do_not_see_each_other(tenants: Tenants) -> None:
    def seen(who: str) -> list[str]:
        return [one["id"] for one in tenants.ask(who, "GET", "/v1/models").json["data"]]

    assert seen("acme") == ["memory", "acme-a", "acme-b"]
    assert seen("umbrella") == seen("boss") == ["memory", "umbrella-a"]
    assert seen("all") == ["memory", "acme-a", "acme-b", "umbrella-a"]
    assert tenants.ask("acme", "POST", "/v1/completions", model="acme-a", **ASKED).status == 200
    assert tenants.ask("umbrella", "POST", "/v1/completions", model="umbrella-a", **ASKED).status == 200
    assert tenants.ask("acme", "GET", "/v1/models/umbrella-a").status == 404


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/embeddings", "/v1/classify", "/tokenize"])
def test_another_s_adapter_is_unknown_in_the_same_words(tenants: Tenants, path: str) -> None:
    body = {"prompt": "a", "input": "a"}
    other = tenants.ask("acme", "POST", path, model="umbrella-a", **body)
    unknown = tenants.ask("acme", "POST", path, model="umbrella-z", **body)
    assert other.status == unknown.status == 404
    assert other.message.replace("umbrella-a", "umbrella-z") == unknown.message
    assert "umbrella" not in other.message.replace("'umbrella-a'", "")


def test_only_admins_load_and_only_their_own(tenants: Tenants) -> None:
    def load(who: str, name: str, source: str) -> int:
        return int(tenants.ask(who, "POST", "/v1/adapters", name=name, source=source).status)

    assert load("umbrella", "umbrella-z", "umbrella-a") == 403
    assert load("boss", "umbrella-z", "umbrella-a") == 200
    assert load("boss", "acme-z", "umbrella-a") == 403
    assert load("boss", "umbrella-y", "acme-a") == 403  # else it could read another's under a name of its own
    assert load("boss", "umbrella-y", str(tenants.folder / "acme-a")) == 403
    assert load("boss", "umbrella-y", "./acme-a") == 403
    assert tenants.ask("boss", "DELETE", "/v1/adapters/acme-a").status == 404
    assert tenants.ask("umbrella", "DELETE", "/v1/adapters/umbrella-z").status == 403
    assert tenants.ask("boss", "DELETE", "/v1/adapters/umbrella-z").status == 200
    assert tenants.ask("acme", "GET", "/metrics").status == 403  # they name everybody
    assert tenants.ask("all", "GET", "/metrics").status == 200


def test_patterns_fit_all_versions_of_a_name() -> None:
    tenant = Tenant("t", ("support", "quotes-*", "tags:live"))
    assert tenant.seen(["support", "support@2", "support:live", "quotes-a", "quotes-b@1", "tags:live"])[5:]
    assert tenant.seen(["supporter", "quotes", "tags", "tags@1", "Support"]) == []


@pytest.mark.parametrize(
    ("pattern", "mine", "others"),
    [
        ("*-acme", ["x-acme", "x-acme@1", "x-acme:live"], ["globex:x-acme", "globex@x-acme", "acme"]),
        ("*v1", ["v1", "mv1:a"], ["support:v1", "support@v1"]),
        ("a-*:live", ["a-b:live"], ["a-b", "a-b@1", "a-b:x:live", "b-b:live", "b:a-b:live", "a-b@live"]),
        ("a@1", ["a@1"], ["a", "a@12", "a:1"]),
        ("*", ["a", "a@1", "a:b"], []),
    ],
)
def test_the_letters_of_a_tag_are_not_a_name_s(pattern: str, mine: list[str], others: list[str]) -> None:
    assert Tenant("t", (pattern,)).seen([*mine, *others]) == mine


def test_the_file_of_keys_holds_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys.yaml"
    secrets = [keys.add(file, name, [f"{name}-*"]) for name in ("a", "b", "c")]
    text = file.read_text()
    assert all(secret not in text and hashlib.sha256(secret.encode()).hexdigest() in text for secret in secrets)
    assert len(set(secrets)) == 3
    assert all(len(secret) == len("capo_") + 43 for secret in secrets)  # 256 bits
    compared = []
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: compared.append(one) or one == other)
    read = keys.Keys(file)
    assert read.tenant(secrets[0]) == Tenant("a", ("a-*",))
    assert read.tenant("wrong") is None
    assert len(compared) == 6  # all of them each time, whichever fits


def test_keys_made_side_by_side_are_all_there(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: keys.add(file, f"k{number}", []), range(24)))
    read = keys.Keys(file)
    assert all(read.tenant(secret) is not None for secret in made)


def test_a_changed_file_of_keys_is_taken_up(
    base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keys, "_PAUSE", 0.0)
    file = tmp_path / "keys.yaml"
    first = keys.add(file, "first", [])
    with served(base, keys=file) as running:

        def status(key: str) -> int:
            return running.ask("GET", "/v1/models", key=key).status

        second = keys.add(file, "second", [])
        assert (status(first), status(second)) == (200, 200)
        keys.remove(file, "first")
        assert (status(first), status(second)) == (401, 200)
        file.write_text("keys: 3")  # one that cannot be read changes nothing
        assert (status(first), status(second)) == (401, 200)
        file.unlink()
        assert (status(first), status(second)) == (401, 200)
        monkeypatch.setattr(keys, "_PAUSE", 60.0)
        third = keys.add(file, "third", [])
        assert status(third) == 401  # it is not looked at with every request
    assert [record.message.count("the keys stay as they were") for record in caplog.records] == [1, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "does not hold settings"),
        ("keys: 3", "no list `keys`"),
        ("keys: [3]", "no list `keys`"),
        ("keys: [{name: a}]", "'hash' in"),
        ("keys: [{name: a, hash: xyz}]", "'hash' in"),
        ("keys: [{name: 'a b', hash: " + "a" * 64 + "}]", "'name' in"),
        ("keys: [{name: a, hash: " + "0" * 64 + ", admn: true}]", "did you mean 'admin'"),
        ("keys: [{name: a, hash: &h " + "a" * 64 + "}, {name: a, hash: *h}]", "'a' twice"),
    ],
)
def test_files_that_hold_no_keys(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "keys.yaml").write_text(text)
    with pytest.raises(UserError, match=re.escape(words)):
        keys.Keys(tmp_path / "keys.yaml")


def test_names_of_keys(tmp_path: Path) -> None:
    keys.add(tmp_path / "k", "a", [])
    with pytest.raises(SettingError, match="has a key 'a' already"):
        keys.add(tmp_path / "k", "a", [])
    with pytest.raises(SettingError, match="cannot be a key's name"):
        keys.add(tmp_path / "k", "a b", [])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "myhost"])
def test_beyond_this_machine_only_with_keys(host: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="--keys, or say --insecure"):
        ServeSettings(host=host)
    assert ServeSettings(host=host, insecure=True).hosts is None
    assert ServeSettings(host=host, keys=tmp_path / "keys.yaml", allowed_hosts="a.example, B.example").hosts == {
        "a.example", "b.example",
    }  # fmt: skip


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_machine_needs_none(host: str) -> None:
    assert {"localhost", host} <= (ServeSettings(host=host).hosts or set())


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"Host": "127.0.0.1:99"}, 200),
        ({"Host": "LocalHost"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "evil.example"}, 403),  # a name that was made to mean 127.0.0.1
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "evil.example:8000@127.0.0.1"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "[::1"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_web_pages_do_not_reach_this_machine_s_server(server: Served, sent: dict[str, str], status: int) -> None:
    heard = server.ask("GET", "/v1/models", **sent)
    assert heard.status == status, heard.content
    assert "access-control-allow-origin" not in heard.headers


def test_large_bodies_are_refused_before_they_are_read(base: Base) -> None:
    with served(base, max_body_kb=4) as running:
        heard = running.ask("POST", "/v1/completions", b"x" * 5000)
        assert (heard.status, "larger than 4096 bytes" in heard.message) == (413, True)
        with socket.create_connection(("127.0.0.1", running.port)) as line:
            line.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            line.sendall((b"800\r\n" + b"x" * 0x800 + b"\r\n") * 3)  # and never ends
            assert line.recv(100).startswith(b"HTTP/1.1 413")


def test_slow_bodies_are_not_waited_for(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_body, "_SECONDS", 0.2)
    with served(base) as running, socket.create_connection(("127.0.0.1", running.port)) as line:
        line.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{")
        assert line.recv(100).startswith(b"HTTP/1.1 408")


def test_a_key_has_so_many_requests_and_tokens_at_a_time(base: Base, tmp_path: Path) -> None:
    engine, file = Patient(), tmp_path / "keys.yaml"
    one, other = keys.add(file, "one", []), keys.add(file, "other", [])
    asked = {"model": "memory", **ASKED}
    with served(base, keys=file, engine=engine, max_requests=2, max_queued_tokens=100) as running:
        held = [running.connection("POST", "/v1/completions", asked, one) for _ in range(2)]
        engine.wait(lambda it: len(it.asks) == 2)
        heard = running.ask("POST", "/v1/completions", asked, one)
        assert (heard.status, heard.headers["retry-after"]) == (429, "1")
        assert "2 requests of this key are running" in heard.message
        large = {**asked, "max_tokens": 60}
        held.append(running.connection("POST", "/v1/completions", large, other))
        engine.wait(lambda it: len(it.asks) == 3)
        heard = running.ask("POST", "/v1/completions", large, other)
        assert (heard.status, "61 tokens of this key are asked for" in heard.message) == (429, True)
        heard = running.ask("POST", "/v1/completions", {**asked, "max_tokens": 40, "n": 3}, other)
        assert (heard.status, "123 tokens, and a key may ask for 100" in heard.message) == (400, True)
        engine.finish()
        assert [connection.getresponse().status for connection in held] == [200] * 3
        held = [running.connection("POST", "/v1/completions", asked, one)]
        engine.wait(lambda it: len(it.asks) == 4)  # there is room again
        engine.finish()
        assert held[0].getresponse().status == 200
        running.settle()


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions"])
@pytest.mark.parametrize("stream", [False, True])
def test_who_hangs_up_is_forgotten_at_once(base: Base, path: str, stream: bool) -> None:
    engine = Patient()
    body = {"model": "memory", "prompt": "a", "messages": [{"role": "user", "content": "a"}], "stream": stream, "n": 2}
    with served(base, engine=engine) as running:
        connection = running.connection("POST", path, {**body, "max_tokens": 50})
        engine.wait(lambda it: len(it.asks) == 2)
        begin = time.monotonic()
        connection.close()
        engine.wait(lambda it: sorted(it.cancelled) == [0, 1])
        assert time.monotonic() - begin < 1
        running.settle()
        assert running.get("/ready").status == 200


@pytest.mark.parametrize("given", [{"host": "127.0.0.1", "allowed_hosts": "api.example"}, {"insecure": True}])
def test_behind_a_proxy_nobody_without_a_key_is_an_admin(base: Base, tmp_path: Path, given: dict[str, Any]) -> None:
    with served(base, adapters_dir=tmp_path, **given) as running:
        sent = {"Host": "api.example"} if "allowed_hosts" in given else {}
        for verb, path, body in (("POST", "/v1/adapters", {"name": "a", "source": "b"}), ("GET", "/metrics", None)):
            heard = running.ask(verb, path, body, **sent)
            assert (heard.status, "--admin" in heard.message) == (403, True)


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded"])
def test_who_comes_through_a_proxy_is_no_admin(base: Base, tmp_path: Path, name: str) -> None:
    with served(base, adapters_dir=tmp_path) as running:
        assert running.get("/metrics").status == 200
        assert running.ask("GET", "/metrics", **{name: "for=192.0.2.1"}).status == 403
        assert running.ask("GET", "/v1/models", **{name: ""}).status == 200


def test_odd_hosts_do_no_harm_where_any_may_stand(base: Base) -> None:
    with served(base, host="0.0.0.0", insecure=True) as running:
        for host in ("[::1", "evil.example", "a b", "\x7f"):
            assert running.ask("GET", "/v1/nowhere", Host=host).status in (400, 404)
            heard = running.ask("GET", "/v1/adapters/", Host=host)
            assert heard.status in (400, 404)  # and no redirect to wherever the header says
            assert "location" not in heard.headers
