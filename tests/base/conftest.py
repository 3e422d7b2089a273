from pathlib import Path

import pytest
import torch

from tests.tiny import tiny_model, tiny_tokenizer


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a cache folder of its own."""
    monkeypatch.setenv("CAPO_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder as save_pretrained leaves it."""
    return save(tmp_path / "model")


def save(folder: Path, architecture: str = "llama", dtype: torch.dtype = torch.float32) -> Path:
    tiny_model(architecture, dtype).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder
