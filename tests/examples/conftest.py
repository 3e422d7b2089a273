import importlib
import shutil

import pytest
import torch

from tests.examples.pages import ROOT
from tests.tiny import tiny_model, tiny_tokenizer


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A tiny random base as a Hugging Face folder."""
    folder = tmp_path_factory.mktemp("base")
    tiny_model("llama", torch.float32).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty current folder that holds what the documentation says the reader has."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copy(ROOT / "examples" / "tickets" / "tickets.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAPO_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def generate(monkeypatch):
    """docs/generate.py as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return importlib.import_module("generate")
