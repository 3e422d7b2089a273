"""`capo serve` and `capo keys` as far as they go without a server; the rest is in tests/serve."""

from pathlib import Path

import pytest

from capotasto.serve.keys import Keys
from capotasto.serve.settings import ServeSettings
from capotasto.serve.tenants import Tenant
from tests.cli.conftest import Capo


def test_a_key_is_shown_once(capo: Capo, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    done = capo("keys", "add", "acme", "--adapters", "acme-*", "--adapters", "shared", "--file", file)
    secret = done.stdout.strip()
    assert done.code == 0
    assert "this once" in done.stderr
    assert secret not in done.stderr + file.read_text()
    assert Keys(file).tenant(secret) == Tenant("acme", ("acme-*", "shared"))
    other = capo("keys", "add", "ops", "--admin", "--file", file, "--json").json
    assert Keys(file).tenant(other["key"]) == Tenant("ops", ("*",), admin=True)


def test_keys_are_listed_and_removed(capo: Capo, tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    secret = capo("keys", "add", "acme", "--adapters", "acme-*", "--file", file).stdout.strip()
    capo("keys", "add", "ops", "--admin", "--file", file)
    assert capo("keys", "list", "--file", file, "--json").json == [
        {"name": "acme", "adapters": ["acme-*"], "admin": False},
        {"name": "ops", "adapters": ["*"], "admin": True},
    ]
    assert "acme-*" in capo("keys", "list", "--file", file).stdout
    assert capo("keys", "remove", "acme", "--file", file, "--json").json == {"removed": "acme", "file": str(file)}
    assert Keys(file).tenant(secret) is None
    assert len(capo("keys", "list", "--file", file, "--json").json) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["add"], "capo keys add takes the NAME of a key"),
        (["remove"], "capo keys remove takes the NAME of a key"),
        (["list", "acme"], "capo keys list takes no name"),
        (["remove", "acme", "--admin"], "act on nothing with capo keys remove"),
        (["remove", "amce"], "has no key 'amce'; did you mean 'acme'?"),
    ],
)
def test_what_keys_cannot_do_is_one_line(capo: Capo, tmp_path: Path, given: list[str], words: str) -> None:
    file = tmp_path / "keys.yaml"
    capo("keys", "add", "acme", "--file", file)
    done = capo("keys", *given, "--file", file)
    assert (done.code, words in done.stderr, done.stderr.strip().count("\n")) == (2, True, 0), done.stderr
    done = capo("keys", "remove", "acme", "--file", tmp_path / "none" / "keys.yaml")
    assert (done.code, "no settings file at" in done.stderr) == (2, True)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--host", "0.0.0.0"], "0.0.0.0 can be reached from elsewhere"),
        (["--port", "70000"], "setting 'port'"),
        (["--adapters-dir", "/nowhere"], "--adapters-dir /nowhere is no folder"),
        (["--store", "/nowhere"], "--store /nowhere is no folder"),
        (["--keys", "/nowhere"], "no settings file at /nowhere"),
        (["--adapter", "x=/nowhere"], "adapter 'x'"),
        (["--index", "x=/nowhere"], "no index at /nowhere; make one with: capo index"),
        (["--index", "handbook"], "--index handbook: it needs a name and a folder; write --index NAME=DIR"),
        (["--index", "a=b", "--index", "a=c"], "--index a=c: the name is used twice"),
        (["--vllm-url", "http://127.0.0.1:1"], "--vllm-url acts on nothing with --backend local"),
        (["--backend", "vllm"], "name them with --vllm-url"),
        (
            ["--backend", "vllm", "--vllm-url", "http://a", "--kv-gb", "3", "--dtype", "fp32", "--trust-remote-code"],
            "--dtype, --kv-gb, --trust-remote-code act on nothing with --backend vllm",
        ),
        (["--backend", "vllm", "--vllm-url", "localhost:1", "--max-waiting", "3"], "is no address"),
    ],
)
def test_what_cannot_be_served_is_one_line(capo: Capo, base: Path, given: list[str], words: str) -> None:
    done = capo("serve", "--base", base, "--port", 0, *given)
    assert done.code == 2
    assert words in done.stderr
    assert done.stderr.strip().count("\n") == 0


def test_every_setting_of_the_server_is_a_flag(capo: Capo) -> None:
    words = set(capo("serve", "--help").stdout.replace("│", " ").split())
    assert {f"--{name.replace('_', '-')}" for name in ServeSettings.model_fields} <= words
