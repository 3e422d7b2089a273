import importlib
import shutil

import pytest

from tests.examples.pages import ROOT


@pytest.fixture
def workplace(tmp_path, cache, monkeypatch):
    """An empty current folder that holds what the documentation says the reader has."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copy(ROOT / "examples" / "tickets" / "tickets.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def generate(monkeypatch):
    """docs/generate.py as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return importlib.import_module("generate")
