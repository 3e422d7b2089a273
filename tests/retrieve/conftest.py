from pathlib import Path

import pytest

from capotasto.retrieve.build import build_index
from tests.retrieve.making import write_docs
from tests.tiny import save_base


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("encoder"), "bert")


@pytest.fixture(scope="session")
def other_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("encoder"), "bert", seed=1)


@pytest.fixture(scope="session")
def embedder(encoder: Path) -> str:
    return f"base:{encoder}"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return write_docs(tmp_path / "docs")


@pytest.fixture(scope="session")
def index(embedder: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the four documents, which no test changes."""
    folder = tmp_path_factory.mktemp("indexed")
    build_index(write_docs(folder / "docs"), folder / "index", embedder=embedder)
    return folder / "index"
