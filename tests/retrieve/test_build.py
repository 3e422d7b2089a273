"""Making an index: what is unchanged is not embedded again, what is gone leaves, a crash costs nothing."""

import multiprocessing
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from capotasto.errors import UserError
from capotasto.retrieve import writer
from capotasto.retrieve.build import build_index
from capotasto.retrieve.database import Database
from capotasto.retrieve.index import Index
from capotasto.retrieve.writer import Built
from tests.refusing import refused
from tests.retrieve.making import PETS, TRAVEL

KILLS = 2
PATIENCE = 120.0  # seconds for a moment to come


def rows_of(folder: Path) -> list[tuple[Any, ...]]:
    """Everything an index holds, in order, without its vectors."""
    table = Database(str(folder))._passages.to_arrow().to_pylist()
    return sorted((r["file"], r["start"], r["end"], r["heading"], r["words"], r["hash"]) for r in table)


def vectors_of(folder: Path) -> np.ndarray:
    table = Database(str(folder))._passages.to_arrow().to_pylist()
    return np.array([row["vector"] for row in sorted(table, key=lambda row: (row["file"], row["start"]))])


def check_same(one: Path, other: Path) -> None:
    """What two indices hold is the same; vectors to the rounding that neighbours in a batch make."""
    assert rows_of(one) == rows_of(other)
    np.testing.assert_allclose(vectors_of(one), vectors_of(other), atol=1e-6)


def files_of(folder: Path) -> set[str]:
    return set(Database(str(folder)).hashes())


def test_every_document_is_there_with_its_places(index: Path) -> None:
    assert files_of(index) == {"deep/deeper/pay.html", "deep/pets.txt", "faq.csv:2", "faq.csv:3", "travel.md"}
    [train] = [row for row in rows_of(index) if "Trains" in row[3]]
    assert train[:2] == ("travel.md", TRAVEL.index("Trains are"))
    assert TRAVEL[train[1] : train[2]] == "Trains are booked in the blue tool. A seat is free of charge."
    assert train[4].startswith("Travel > Trains\nTrains are booked")


def test_the_second_time_only_what_has_changed_is_embedded(docs: Path, embedder: str, tmp_path: Path) -> None:
    out = tmp_path / "index"
    first = build_index(docs, out, embedder=embedder)
    assert (first.documents, first.changed, first.unchanged, first.removed) == (5, 5, 0, 0)
    before = rows_of(out)
    again = build_index(docs, out, embedder=embedder)
    assert (again.changed, again.unchanged, again.removed, again.passages) == (0, 5, 0, 0)
    assert rows_of(out) == before

    (docs / "deep" / "pets.txt").write_text(PETS.replace("Cats", "Parrots"), encoding="utf-8")
    (docs / "travel.md").unlink()
    (docs / "new.md").write_text("# New\n\nSomething new.\n")
    (docs / "faq.csv").write_text((docs / "faq.csv").read_text().replace("noon", "ten"))
    third = build_index(docs, out, embedder=embedder)
    assert (third.changed, third.unchanged, third.removed, third.passages) == (3, 2, 1, 3)
    fresh = tmp_path / "fresh"
    build_index(docs, fresh, embedder=embedder)
    check_same(out, fresh)
    index = Index.open(out)
    assert [one.passage.file for one in index.search("parrots", 3, "text")] == ["deep/pets.txt"]
    assert index.search("trains", 3, "text") == []
    assert [one.passage.file for one in index.search("new", 3, "text")] == ["new.md"]


def test_what_can_be_read_no_more_leaves_and_is_named(docs: Path, embedder: str, tmp_path: Path) -> None:
    out = tmp_path / "index"
    build_index(docs, out, embedder=embedder)
    (docs / "travel.md").write_bytes(b"\0\0")
    (docs / "deep" / "pets.txt").write_text(" \n", encoding="utf-8")
    built = build_index(docs, out, embedder=embedder)
    assert [fault.place for fault in built.faults] == ["deep/pets.txt", "travel.md"]
    assert "holds zero bytes" in built.faults[1].reason
    assert built.removed == 2
    assert files_of(out) == {"deep/deeper/pay.html", "faq.csv:2", "faq.csv:3"}


def test_one_file_can_be_indexed_and_names_may_hold_anything(embedder: str, tmp_path: Path) -> None:
    path = tmp_path / 'it\'s a "file" 100% ☃.md'
    path.write_text("One thing.")
    build_index(path, tmp_path / "index", embedder=embedder)
    path.write_text("Another thing.")
    assert build_index(path, tmp_path / "index", embedder=embedder).changed == 1
    assert [row[4] for row in rows_of(tmp_path / "index")] == ["Another thing."]


def test_progress_is_told_document_by_document(docs: Path, embedder: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int, int]] = []
    build_index(docs, tmp_path / "index", lambda b: seen.append((b.files, b.of_files, b.documents)), embedder=embedder)
    assert seen == [(0, 4, 1), (1, 4, 2), (2, 4, 3), (2, 4, 4), (3, 4, 5), (4, 4, 5)]


def test_what_waits_in_memory_does_not_grow_with_the_number_of_files(
    embedder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(600):
        (folder / f"{number}.txt").write_text(f"Note number {number}.")
    most = 0
    plain = writer.Writer._write

    def watched(self: writer.Writer) -> None:
        nonlocal most
        most = max(most, len(self._waiting))
        plain(self)

    monkeypatch.setattr(writer.Writer, "_write", watched)
    built = build_index(folder, tmp_path / "index", embedder=embedder)
    assert (built.documents, built.passages) == (600, 600)
    assert most == writer._TOGETHER


def index_apart(docs: str, out: str, embedder: str, pause: float) -> None:
    """Indexing with a pause after each writing, to be killed in."""
    plain = writer.Writer._write

    def slow(self: writer.Writer) -> None:
        plain(self)
        time.sleep(pause)

    writer.Writer._write = slow  # type: ignore[method-assign]
    writer._TOGETHER = 1
    build_index(docs, out, embedder=embedder)


def test_a_killed_process_leaves_whole_documents_and_the_next_goes_on(
    embedder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    docs, out, whole = tmp_path / "docs", tmp_path / "index", tmp_path / "whole"
    docs.mkdir()
    for number in range(12):
        (docs / f"{number:02}.md").write_text(f"# Note {number}\n\n" + "A sentence of some words. " * 80)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.retrieve.test_build", "capotasto.retrieve.embedders.frozen"])
    counts = []
    for _ in range(KILLS):
        process = context.Process(target=index_apart, args=(str(docs), str(out), embedder, 0.1))
        process.start()
        before = counts[-1] if counts else 0
        end = time.monotonic() + PATIENCE
        while process.is_alive() and (found := documents_in(out)) < before + 2:
            assert time.monotonic() < end
            time.sleep(0.02)
        process.kill()
        process.join()
        counts.append(found)
        with pytest.raises(UserError, match="is not finished; run the same capo index again: it goes on"):
            Index.open(out)
    built = build_index(docs, out, embedder=embedder)
    assert built.unchanged >= 2 * KILLS
    build_index(docs, whole, embedder=embedder)
    check_same(out, whole)


def documents_in(out: Path) -> int:
    return len(files_of(out)) if (out / "passages.lance").is_dir() and (out / "about.lance").is_dir() else 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"passage": 500}, "was made with passage 800, not 500; use the same settings, another --out, or --force"),
        ({"text_column": "title"}, "was made with text_column None, not 'title'"),
        ({"overlap": 500}, "overlap is 500, and may be half of passage (800) at most"),
        ({"passages": 5}, "unknown setting 'passages' in build_index; did you mean 'passage'?"),
        ({"passage": 5}, "setting 'passage' in build_index"),
    ],
)
def test_an_index_made_otherwise_is_not_gone_on_with(
    docs: Path, embedder: str, tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    out = tmp_path / "index"
    build_index(docs, out, embedder=embedder)
    before = rows_of(out)
    with refused(words):
        build_index(docs, out, **{"embedder": embedder, **settings})
    assert rows_of(out) == before


def test_force_begins_anew(docs: Path, embedder: str, tmp_path: Path) -> None:
    out = tmp_path / "index"
    build_index(docs, out, embedder=embedder)
    built = build_index(docs, out, embedder=embedder, passage=100, overlap=20, force=True)
    assert built.changed == 5
    assert max(len(row[4]) - len(row[3]) for row in rows_of(out)) <= 101
    assert Index.open(out).about["passage"] == 100


def test_a_folder_that_is_something_else_is_left_alone(docs: Path, embedder: str, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match=r"--out .*mine holds thesis.tex and no index; name a new folder"):
        build_index(docs, out, embedder=embedder)
    assert (out / "thesis.tex").read_text() == "years of work"
    with pytest.raises(UserError, match=r"cannot write .*thesis.tex"):
        build_index(docs, out / "thesis.tex", embedder=embedder)


def test_two_do_not_write_one_index(docs: Path, embedder: str, tmp_path: Path) -> None:
    out = tmp_path / "index"
    out.mkdir()
    with FileLock(out / ".lock"), pytest.raises(UserError, match="another process is writing the index at"):
        build_index(docs, out, embedder=embedder)
    assert isinstance(build_index(docs, out, embedder=embedder), Built)


def test_an_address_with_a_scheme_is_passed_on_to_the_store(docs: Path, embedder: str, tmp_path: Path) -> None:
    address = f"file://{tmp_path}/bucket/index"
    with pytest.raises(UserError, match=r"file://.*/bucket/index holds no index; make one with: capo index"):
        Index.open(address)
    assert build_index(docs, address, embedder=embedder).changed == 5
    assert build_index(docs, address, embedder=embedder).unchanged == 5
    assert Index.open(address).search("trains", 1, "text")[0].passage.heading == "Travel > Trains"
    assert (tmp_path / "bucket" / "index" / "passages.lance").is_dir()
