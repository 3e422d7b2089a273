from pathlib import Path

import pytest

from capotasto.session import Base
from tests.experiment.runs import read_base, save_base, write_rows


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base on disk."""
    return save_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def base(model: Path) -> Base:
    return read_base(model)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPO_HOME", str(tmp_path / "cache"))


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.csv", 60)
