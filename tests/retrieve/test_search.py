"""Searching: the nearest vectors, the words in common, and both; against twins that look at everything by hand."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from capotasto.errors import UserError
from capotasto.retrieve.build import build_index
from capotasto.retrieve.database import Database
from capotasto.retrieve.embedders import load
from capotasto.retrieve.fusion import fused
from capotasto.retrieve.index import Index
from capotasto.retrieve.records import Found, Passage

QUESTION = "How are trains booked?"


def test_vector_search_finds_what_a_look_at_every_vector_finds(index: Path, embedder: str) -> None:
    rows = Database(str(index))._passages.to_arrow().to_pylist()
    [asked] = load(embedder).embed([QUESTION])
    wanted = sorted(((float(np.dot(row["vector"], asked)), row["file"], row["start"]) for row in rows), reverse=True)
    found = Index.open(index).search(QUESTION, 5, "vector")
    assert [(one.passage.file, one.passage.start) for one in found] == [(file, start) for _, file, start in wanted[:5]]
    np.testing.assert_allclose([one.score for one in found], [score for score, *_ in wanted[:5]], atol=1e-5)


def test_text_search_ranks_by_words_in_common(index: Path) -> None:
    found = Index.open(index).search(QUESTION, 3, "text")
    assert [one.passage.heading for one in found][:1] == ["Travel > Trains"]
    assert all(one.score > 0 for one in found)
    assert next(iter(Index.open(index).search("CATS", 3, "text"))).passage.text.startswith("Dogs may")
    assert Index.open(index).search("zebra", 3, "text") == []


def test_headings_are_searched_too(index: Path) -> None:
    [found] = Index.open(index).search("planes", 1, "text")
    assert found.passage.heading == "Travel > Planes"


def test_hybrid_is_both_rankings_fused(index: Path) -> None:
    opened = Index.open(index)
    rankings = [opened.search(QUESTION, 50, how) for how in ("vector", "text")]
    scores: dict[Passage, float] = {}
    for ranking in rankings:
        for place, one in enumerate(ranking):
            scores[one.passage] = scores.get(one.passage, 0) + 1 / (61 + place)
    found = opened.search(QUESTION, 4)
    assert [one.score for one in found] == sorted(scores.values(), reverse=True)[:4]
    assert all(math.isclose(scores[one.passage], one.score) for one in found)


def test_fusion_prefers_what_both_rankings_have() -> None:
    a, b, c = (Found(Passage(name, "", 0, 1, "x"), 1.0) for name in "abc")
    assert [one.passage.file for one in fused([[a, b], [c, b]], 2)] == ["b", "a"]
    assert fused([[], []], 3) == []


@pytest.mark.parametrize("question", ["'; DROP TABLE", "a AND (b OR", '"quoted', "file:x*", "☃", "?", "x" * 5000])
def test_any_text_is_a_question(index: Path, question: str) -> None:
    for how in ("vector", "text", "hybrid"):
        assert isinstance(Index.open(index).search(question, 2, how), list)


def test_an_index_knows_its_size(index: Path) -> None:
    assert len(Index.open(index)) == 8
    assert len(Index.open(index).search(QUESTION, 100, "vector")) == 8


@pytest.mark.parametrize(
    ("query", "how", "words"),
    [
        (" \n", "hybrid", "the question is empty; write what is to be found"),
        ("a", "fuzzy", "unknown search 'fuzzy'; known: hybrid, text, vector"),
    ],
)
def test_what_cannot_be_searched_is_one_line(index: Path, query: str, how: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        Index.open(index).search(query, 3, how)
    assert words in str(caught.value)


def test_where_there_is_no_index_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no index at .*none; make one with: capo index DOCS --out .*none"):
        Index.open(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    with pytest.raises(UserError, match=r"holds no index; make one with: capo index"):
        Index.open(tmp_path)


def test_an_embedder_that_has_become_another_is_noticed(
    docs: Path, encoder: Path, other_encoder: Path, tmp_path: Path
) -> None:
    mine, out = tmp_path / "model", tmp_path / "index"
    shutil.copytree(encoder, mine)
    build_index(docs, out, embedder=f"base:{mine}")
    shutil.rmtree(mine)
    shutil.copytree(other_encoder, mine)
    index = Index.open(out)
    assert index.search("cats", 1, "text")
    for work in (lambda: index.search("cats", 1), lambda: build_index(docs, out, embedder=f"base:{mine}")):
        with pytest.raises(UserError, match=r"is not the model that the index at .* was made with"):
            work()


def test_a_reader_sees_what_a_later_writing_brings(docs: Path, embedder: str, tmp_path: Path) -> None:
    build_index(docs, tmp_path / "index", embedder=embedder)
    open_since = Index.open(tmp_path / "index")
    assert open_since.search("giraffe", 1, "text") == []
    (docs / "zoo.md").write_text("A giraffe is tall.")
    build_index(docs, tmp_path / "index", embedder=embedder)
    assert Index.open(tmp_path / "index").search("giraffe", 1, "text")
