from pathlib import Path

import pytest

from tests.tiny import save_base


@pytest.fixture(autouse=True)
def cache(cache: Path) -> Path:
    """Every test has its own."""
    return cache


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder as save_pretrained leaves it."""
    return save_base(tmp_path / "model")
