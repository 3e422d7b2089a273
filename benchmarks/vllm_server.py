"""A vLLM server in the environment that `make test-vllm` makes (.venv-vllm); where that is absent, nothing is measured.

This process needs nothing of that environment: it speaks to the server over HTTP.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from benchmarks.common import skip
from tests.vllm.servers import PYTHON, Server


@contextmanager
def vllm(base: Path, rows: int) -> Iterator[str]:
    """The address of a server that writes so many rows at a time, until the end of the block."""
    if not PYTHON.exists():
        skip("vLLM is not installed; `make test-vllm` installs it")
    with tempfile.TemporaryDirectory() as folder:
        server = Server(base, Path(folder) / "vllm.log", rows=rows, threads=torch.get_num_threads())
        try:
            server.wait()
            yield server.url
        finally:
            server.kill()
