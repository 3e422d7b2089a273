from pathlib import Path

import pytest
import torch

from capotasto.session import Base
from tests.auditing.making import write_probes
from tests.making import make_base


@pytest.fixture(scope="session")
def probes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small made-up file of every format."""
    return write_probes(tmp_path_factory.mktemp("probes"))


@pytest.fixture(scope="session")
def base() -> Base:
    return make_base("llama", torch.float32)
