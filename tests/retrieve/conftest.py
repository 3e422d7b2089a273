from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from capotasto.retrieve.build import build_index
from tests.retrieve.making import write_docs
from tests.tiny import tiny_encoder_tokenizer, tiny_model


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAPO_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def save_encoder(folder: Path, seed: int) -> Path:
    """A tiny random BERT as a folder."""
    tiny_model("bert", torch.float32, seed).save_pretrained(folder)
    tiny_encoder_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_encoder(tmp_path_factory.mktemp("encoder"), seed=0)


@pytest.fixture(scope="session")
def other_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_encoder(tmp_path_factory.mktemp("encoder"), seed=1)


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
