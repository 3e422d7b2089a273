"""Rows with coarse words: found as they are and disguised, and not inside harmless ones."""

import pytest

from capotasto.auditing.coarse import Coarse, coarse


def test_words_are_found_with_their_rows() -> None:
    texts = ["What a fine day.", "This is shit, pure SHIT and bullshit.", "Oh sh1t!", "s.h.i.t happens", "Call me."]
    found = coarse(texts)
    assert found is not None
    assert [one.row for one in found] == [1, 2, 3]
    assert set(found[0].words) == {"shit", "bullshit"}


@pytest.mark.parametrize("text", ["Scunthorpe", "We assess the class in passing.", "a cocktail in Essex", "", "日本語"])
def test_harmless_words_that_hold_coarse_ones_are_let_be(text: str) -> None:
    assert coarse([text]) == []


def test_without_the_package_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capotasto.auditing.coarse.find_spec", lambda name: None)
    assert coarse(["shit"]) is None


def test_a_row_is_named_once() -> None:
    assert coarse(["shit, and shit again"]) == [Coarse(0, ("shit",))]
