from pathlib import Path

import pytest

from capotasto.session import Base
from tests.experiment.runs import write_rows
from tests.making import read_base


@pytest.fixture(autouse=True)
def cache(cache: Path) -> Path:
    """Every test has its own."""
    return cache


@pytest.fixture
def base(model: Path) -> Base:
    return read_base(model)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.csv")
