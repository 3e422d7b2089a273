from pathlib import Path

import pytest

from tests.auditing.making import write_probes


@pytest.fixture(scope="session")
def probes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small made-up file of every format."""
    return write_probes(tmp_path_factory.mktemp("probes"))
