"""Passages: their places are true, nothing is lost, nothing is too long, and long lines cost no more than short."""

import random
import time
from itertools import pairwise

import pytest

from capotasto.retrieve.chunks import passages
from capotasto.retrieve.converters.markdown import headings
from capotasto.retrieve.records import Document, Heading
from tests.retrieve.making import TRAVEL

MARKS = ("\n\n", "\n", ". ", "? ", "! ", "; ", " ")


def chance_text(seed: int, length: int = 3000) -> str:
    chance = random.Random(seed)
    pieces = []
    while sum(map(len, pieces)) < length:
        pieces.append("".join(chance.choice("abcdeé☃") for _ in range(chance.randint(1, 12))))
        pieces.append(chance.choices((". ", " ", "\n", "\n\n", ""), (1, 8, 1, 0.5, 0.3))[0])
    return "".join(pieces)


def cut_naively(text: str, size: int) -> list[str]:
    """Without overlap: the best break in the second half of each window, looked for place by place."""
    found = []
    while len(text) > size:
        ends = [[i + len(m) for i in range(size // 2, size - len(m) + 1) if text[i : i + len(m)] == m] for m in MARKS]
        end = next((places[-1] for places in ends if places), size)
        found.append(text[:end])
        text = text[end:]
    return [kept for piece in (*found, text) if (kept := piece.strip())]


@pytest.mark.parametrize("seed", range(8))
def test_without_overlap_the_cuts_are_those_of_the_naive_twin(seed: int) -> None:
    text = chance_text(seed)
    assert [one.text for one in passages(Document("a", text), 200, 0)] == cut_naively(text, 200)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("size", "overlap"), [(100, 0), (200, 40), (300, 150)])
def test_places_are_true_and_nothing_is_lost(seed: int, size: int, overlap: int) -> None:
    text = chance_text(seed)
    found = list(passages(Document("a", text), size, overlap))
    covered = set()
    for before, one in zip([None, *found], found, strict=False):
        assert text[one.start : one.end] == one.text == one.text.strip()
        assert 0 < len(one.text) <= size
        assert before is None or (before.start < one.start and before.end - one.start <= overlap)
        covered |= set(range(one.start, one.end))
    assert {i for i, character in enumerate(text) if not character.isspace()} <= covered
    if overlap:
        assert any(one.end > following.start for one, following in pairwise(found))


def test_a_passage_knows_the_headings_above_it_and_never_crosses_one() -> None:
    document = Document("travel.md", TRAVEL, tuple(headings(TRAVEL)))
    found = list(passages(document, 2000, 100))
    assert [one.heading for one in found] == ["Travel", "Travel > Trains", "Travel > Planes"]
    assert found[0].text == "Book every trip a week ahead."
    assert found[2].text.startswith("Planes are")
    assert found[2].text.endswith("```\n# no heading\n```")
    assert "#" not in found[0].text + found[1].text, "a heading stands beside the text, not in it"


def test_headings_without_text_make_no_passage_and_a_higher_one_ends_the_lower() -> None:
    text = "# One\n\n### Deep\n\na\n\n## Empty\n\n# Two ##\nb\n####### seven\n#none\n"
    document = Document("a.md", text, (Heading(0, 0, 0, "All"), *headings(text)))
    assert [(one.heading, one.text) for one in passages(document, 500, 0)] == [
        ("All > One > Deep", "a"),
        ("All > Two", "b\n####### seven\n#none"),
    ]


@pytest.mark.parametrize("line", ["word " * 400_000, "x" * 2_000_000, "# " + "#" * 2_000_000, " " * 2_000_000])
def test_one_line_of_two_megabytes_takes_no_time(line: str) -> None:
    began = time.process_time()
    found = list(passages(Document("a.md", line, tuple(headings(line))), 800, 80))
    assert time.process_time() - began < 2
    assert sum(len(one.text) for one in found) >= len(line.strip(" #")) * 0.9


def test_a_text_of_nothing_has_no_passages() -> None:
    assert list(passages(Document("a", ""), 100, 0)) == list(passages(Document("a", " \n\t\n"), 100, 0)) == []
