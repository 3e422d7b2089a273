import hashlib
import importlib.util
import sys
import zipfile
from pathlib import Path

import pytest

from capotasto.errors import UserError
from capotasto.wheels import home, member
from tests.refusing import refused

pytestmark = pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="wheels are fetched by pip")

INSIDE = "songs/data/one.txt"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index that is a folder; pip is told so by its own settings, as a user would."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name, value in {
        "NO_INDEX": "1",
        "FIND_LINKS": str(folder),
        "EXTRA_INDEX_URL": "",
        "CONFIG_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    return folder


@pytest.fixture
def digest(index: Path) -> str:
    path = index / "songs-1.0-py3-none-any.whl"
    about = "songs-1.0.dist-info/"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(INSIDE, "la la")
        wheel.writestr("songs/__init__.py", "raise SystemExit('a wheel must never be run')")
        wheel.writestr(
            about + "METADATA", "Metadata-Version: 2.1\nName: songs\nVersion: 1.0\nRequires-Dist: not-there\n"
        )
        wheel.writestr(about + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(about + "RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_fetches_once_and_leaves_nothing_else(index: Path, digest: str) -> None:
    path = member("songs", "1.0", digest, INSIDE)
    assert path.read_text() == "la la"
    assert path.is_relative_to(home())
    assert [other.name for other in path.parent.iterdir() if other.suffix != ".lock"] == ["one.txt"]
    (index / "songs-1.0-py3-none-any.whl").unlink()
    assert member("songs", "1.0", digest, INSIDE) == path  # from the cache: the index has it no longer


def test_a_folder_comes_with_the_files_directly_in_it(index: Path, digest: str) -> None:
    path = member("songs", "1.0", digest, "songs/")
    assert [other.name for other in path.iterdir()] == ["__init__.py"]
    (index / "songs-1.0-py3-none-any.whl").unlink()
    assert member("songs", "1.0", digest, "songs/") == path


@pytest.mark.parametrize(
    ("version", "sha256", "inside", "promised"),
    [
        ("1.0", "0" * 64, INSIDE, ["songs-1.0-py3-none-any.whl", "sha256", "expected 000", "nothing was unpacked"]),
        ("1.0", None, "songs/two.txt", ["no songs/two.txt in songs-1.0", "it holds"]),
        ("1.0", None, "opera/", ["no opera/ in songs-1.0", "it holds"]),
        ("2.0", None, INSIDE, ["cannot fetch songs==2.0", "No matching distribution", "pip config list"]),
        ("1.0", None, "../escape.txt", ["refusing to unpack '../escape.txt'", "outside the wheel"]),
        ("1.0", None, "/etc/passwd", ["refusing to unpack '/etc/passwd'"]),
    ],
)
def test_refusals(index: Path, digest: str, version: str, sha256: str | None, inside: str, promised: list[str]) -> None:
    with refused(*promised):
        member("songs", version, sha256 or digest, inside)
    left = [path for path in home().rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == []


def test_a_python_without_pip_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = tmp_path / "python"
    bare.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(UserError, match=r"has no pip; run `python -m ensurepip`"):
        member("songs", "1.0", "0" * 64, INSIDE)


def test_a_blocked_network_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"CONFIG_FILE": "/dev/null", "INDEX_URL": "http://127.0.0.1:1/simple", "RETRIES": "0"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(UserError, match="package index cannot be reached; check the network"):
        member("songs", "1.0", "0" * 64, INSIDE)
