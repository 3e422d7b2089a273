from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from capotasto.artifact import save_adapter
from capotasto.records import write_json
from capotasto.session import Base
from tests.making import LABELS, make_adapter, make_base
from tests.serve.serving import Served, served

KINDS = {
    "support": "prompt",
    "quotes": "lora",
    "moods": "head",
    "style": "prefix",
    "topics": "prompt",
    "scores": "head regress",
    "tags": "lora+head multilabel",
}


@pytest.fixture(scope="session")
def base() -> Base:
    return make_base("llama", torch.float32)


@pytest.fixture(scope="session")
def twin() -> Base:
    """The same base, which no engine runs: for what is computed beside the server."""
    return make_base("llama", torch.float32)


@pytest.fixture(scope="session")
def shelf(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of adapters; `topics` is a label task's."""
    folder = tmp_path_factory.mktemp("adapters")
    for seed, (name, kind) in enumerate(KINDS.items()):
        method, _, objective = kind.partition(" ")
        more = {"objective": objective} if objective else {}
        save_adapter(make_adapter(method, base, seed=seed, name=name, **more), folder / name, base, {})
    write_json(folder / "topics" / "run.json", {"labels": LABELS})
    return folder


@pytest.fixture(scope="session")
def server(base: Base, shelf: Path) -> Iterator[Served]:
    with served(base, adapters_dir=shelf) as running:
        yield running
