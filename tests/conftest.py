"""What every test has: a cache folder that is not the user's, and a tiny base, on disk and in memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from capotasto.session import Base


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing is read from or left in the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAPO_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own, which is not there yet."""
    monkeypatch.setenv("CAPO_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


# What needs torch is imported where it is used: tests of pages and numbers do without.
@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama in fp32 as a folder, which no test changes."""
    from tests.tiny import save_base

    return save_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def base() -> "Base":
    """A tiny Llama in fp32 in memory, for the tests of one file."""
    import torch

    from tests.making import make_base

    return make_base("llama", torch.float32)
