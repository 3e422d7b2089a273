"""`capo index` and `capo ask` in the terminal."""

from pathlib import Path

import pytest
import torch

from tests.cli.conftest import Capo
from tests.retrieve.making import write_docs
from tests.tiny import save_base, tiny_model, tiny_tokenizer


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"base:{save_base(tmp_path_factory.mktemp('encoder'), 'bert')}"


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base with a longer context."""
    folder = tmp_path_factory.mktemp("roomy")
    model = tiny_model("llama", torch.float32)
    model.config.max_position_embeddings = 450
    model.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def test_documents_are_indexed_and_asked(capo: Capo, encoder: str, roomy: Path, tmp_path: Path) -> None:
    docs, out = write_docs(tmp_path / "docs"), tmp_path / "index"
    (docs / "broken.md").write_bytes(b"\0")
    done = capo("index", docs, "--out", out, "--embedder", encoder)
    assert done.code == 0, done.stderr
    assert "5 indexed, 0 unchanged, 0 removed, 1 left out" in done.stdout
    assert "1 × .png" in done.stdout
    assert "left out: broken.md is no text" in done.stderr
    again = capo("index", docs, "--out", out, "--embedder", encoder, "--json").json
    assert (again["changed"], again["unchanged"], again["faults"][0]["place"]) == (0, 5, "broken.md")

    asked = ["ask", "How are trains booked?", "--index", out, "--base", roomy, "--max-new-tokens", 4]
    told = capo(*asked, "--search", "text", "--top", 1)
    assert told.code == 0, told.stderr
    assert told.stdout.rstrip().endswith("[1] travel.md · Travel > Trains")
    both = capo(*asked, "--top", 8, "--json")
    assert set(both.json) == {"question", "answer", "cited", "passages", "left_out"}
    assert set(both.json["passages"][0]) == {"number", "file", "heading", "start", "end", "text", "score"}
    assert both.json["left_out"] == 8 - len(both.json["passages"]) > 0
    assert f"{both.json['left_out']} of 8 passages left out: they do not fit into the context of 450" in both.stderr


def test_an_adapter_answers_too(capo: Capo, encoder: str, base: Path, tuned: Path, tmp_path: Path) -> None:
    docs, out = tmp_path / "docs", tmp_path / "index"
    docs.mkdir()
    (docs / "a.txt").write_text("Sun.")
    capo("index", docs, "--out", out, "--embedder", encoder)
    done = capo("ask", "Sun?", "--index", out, "--base", base, "--adapter", tuned, "--max-new-tokens", 2)
    assert done.code == 0, done.stderr
    assert done.stdout.rstrip().endswith("[1] a.txt")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["ask", "x", "--index", "/nowhere"], "no index at /nowhere; make one with: capo index DOCS --out /nowhere"),
        (["ask", "x", "--index", "."], "holds no index"),
        (["ask", "x", "--index", ".", "--search", "fuzzy"], "setting 'search' in the command line"),
        (["ask", "x", "--index", ".", "--top", "0"], "setting 'top'"),
        (["index", "/nowhere", "--out", "i"], "no folder or file at /nowhere; check the path"),
        (["index", ".", "--out", "i"], "holds no file that can be indexed, but nothing"),
        (["index", ".", "--out", "i", "--overlap", "700"], "overlap is 700, and may be half of passage"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    capo: Capo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = capo(*given)
    assert (done.code, words in done.stderr, done.stderr.strip().count("\n")) == (2, True, 0), done.stderr
    assert list(tmp_path.iterdir()) == []
