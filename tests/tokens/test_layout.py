"""Sharing common beginnings: it happens where it pays, and every row is still the row it was."""

import random

import pytest

from capotasto.layout import SHARE, Layout, Path, lay_out

VIRTUAL = tuple(range(-1, -6, -1))
QUESTION = tuple(range(100, 130))


def rows_of(layout: Layout, paths: list[Path]) -> list[tuple[int, ...]]:
    """The ids each row reads along its path; virtual tokens are written as their symbols again."""
    starts = {start + j: -1 - j for _, start in layout.virtual for j in range(len(VIRTUAL))}
    ids = layout.ids.tolist()
    return [tuple(starts.get(place, ids[place]) for place in path) for path in map(list, layout.paths)]


def random_paths(seed: int) -> list[Path]:
    chance = random.Random(seed)
    header = tuple(chance.randrange(10, 300) for _ in range(20))
    paths = []
    for _ in range(chance.randint(1, 12)):
        tail = tuple(chance.randrange(10, 300) for _ in range(chance.randint(1, 15)))
        adapter = chance.choice([-1, 0, 1])
        begin = VIRTUAL if adapter >= 0 else ()
        paths.append(Path((*begin, *header[: chance.choice([0, 3, 12, 20])], *tail), adapter))
    return paths


@pytest.mark.parametrize("seed", range(30))
def test_every_row_reads_what_it_is_made_of(seed: int) -> None:
    paths = random_paths(seed)
    layout = lay_out(paths)
    assert rows_of(layout, paths) == [path.symbols for path in paths]
    assert layout.seen.lengths.tolist() == [len(path.symbols) for path in paths]
    for path, row in zip(paths, layout.paths, strict=True):
        start, stop = layout.spans[path.adapter]
        assert start <= min(row) <= max(row) < stop, "an adapter's positions stand together"
        assert layout.positions[list(row)].tolist() == list(range(len(row)))
    assert len(layout.ids) <= sum(len(path.symbols) for path in paths)
    rows = layout.seen
    home, width = rows.home.tolist(), rows.gather.shape[1]
    assert [rows.gather.view(-1)[place].item() for place in home] == list(range(len(layout.ids)))
    assert len(home) + len(rows.again[0]) == sum(len(path.symbols) for path in paths)
    assert all(place % width < rows.lengths[place // width] for place in home), "padding is no home"


def test_one_question_before_its_answers_is_computed_once() -> None:
    paths = [Path((*VIRTUAL, *QUESTION, answer, answer), 0) for answer in (5, 6, 7, 8)]
    assert len(lay_out(paths).ids) == len(VIRTUAL) + len(QUESTION) + 4 * 2


def test_a_prompt_of_virtual_tokens_is_computed_once() -> None:
    paths = [Path((*VIRTUAL, 10 * i, 10 * i + 1), 0) for i in range(1, 9)]
    layout = lay_out(paths)
    assert len(layout.ids) == len(VIRTUAL) + 8 * 2
    assert layout.virtual == [(0, 0)]


def test_rows_of_different_adapters_share_nothing() -> None:
    paths = [Path((*VIRTUAL, *QUESTION), 0), Path((*VIRTUAL, *QUESTION), 1), Path(QUESTION, -1)]
    assert len(lay_out(paths).ids) == sum(len(path.symbols) for path in paths)


def test_what_saves_too_little_is_not_shared() -> None:
    """Two rows after a common question: a short likeness is not worth a branch of its own, a long one is."""
    for common, saved in ((SHARE - 1, 0), (SHARE, SHARE)):
        alike = tuple(range(200, 200 + common))
        paths = [Path((*QUESTION, 1), -1), Path((*QUESTION, *alike, 2), -1), Path((*QUESTION, *alike, 3), -1)]
        expected = len(QUESTION) + 1 + 2 * (common + 1) - saved
        assert len(lay_out(paths).ids) == expected


def test_equal_rows_cost_one() -> None:
    assert len(lay_out([Path(QUESTION, -1)] * 5).ids) == len(QUESTION)


def test_padding_repeats_the_row_itself() -> None:
    """Not another row: what is masked is still multiplied by zero, and NaN times zero is NaN."""
    layout = lay_out([Path((1, 2), -1), Path(QUESTION, -1)])
    assert set(layout.seen.gather[0].tolist()) == set(layout.paths[0].tolist())


def test_ghosts_are_seen_and_ask_nothing() -> None:
    ghosts = {-1: 0, 0: 3, 1: 5}
    paths = [
        Path((*range(-1, -1 - ghosts[adapter], -1), *QUESTION[:length], 7), adapter, ghosts[adapter])
        for adapter, length in ((0, 4), (-1, 9), (1, 6), (0, 30))
    ]
    layout = lay_out(paths)
    own = [len(path.symbols) - path.ghosts for path in paths]
    assert layout.asking.lengths.tolist() == own
    assert layout.seen.lengths.tolist() == [len(path.symbols) for path in paths]
    assert layout.asking.gather.shape == (4, max(own)), "no place for a ghost"
    asked = layout.asking.gather.view(-1)[layout.asking.home].tolist()
    assert asked == list(range(len(layout.ids))), "every position that is computed asks at one place"
    assert len(layout.seen.home) == len(layout.ids) + sum(ghosts.values())
    for row, path in enumerate(layout.paths):
        assert layout.asking.gather[row, : own[row]].tolist() == path[paths[row].ghosts :].tolist()


def test_without_ghosts_what_is_seen_asks() -> None:
    layout = lay_out([Path((1, 2), -1), Path(QUESTION, -1)])
    assert layout.asking is layout.seen
