from pathlib import Path

import pytest
import torch

from capotasto.session import Base, load_base
from tests.tiny import tiny_model, tiny_tokenizer


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAPO_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory):
    """Bases from folders, by architecture, each made once."""
    made: dict[str, Base] = {}

    def get(architecture: str = "llama") -> Base:
        if architecture not in made:
            folder: Path = tmp_path_factory.mktemp(architecture)
            tiny_model(architecture, torch.float32).save_pretrained(folder)
            tiny_tokenizer().save_pretrained(folder)
            made[architecture] = load_base(str(folder), dtype="fp32", device="cpu")
        return made[architecture]

    return get
