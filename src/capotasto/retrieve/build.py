"""From a folder of documents to an index; a second time, what has changed since."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from capotasto.errors import SettingError
from capotasto.records import disk_error
from capotasto.retrieve.database import Database, is_local
from capotasto.retrieve.embedders import Embedder, load
from capotasto.retrieve.index import PROBE, check_same
from capotasto.retrieve.settings import IndexSettings
from capotasto.retrieve.sources import listed, sources
from capotasto.retrieve.writer import Built, Writer

_FORM = 1  # of the tables; another one is not gone on with


def build_index(
    docs: str | Path, out: str | Path, watch: Callable[[Built], None] = lambda built: None, **settings: Any
) -> Built:
    """Make the documents at `docs` searchable at `out`: a folder, or the URL of an object store.

    An index that is there is brought up to date: only what is new or has changed is embedded, and what is gone leaves.
    After a crash the same call goes on.
    watch:    told after each document
    settings: see `IndexSettings` (embedder, passage, overlap, text_column, force)
    Errors: nothing to index, an index made with other settings, a folder that is something else or is being written.
    """
    began, chosen, listing = time.monotonic(), IndexSettings.build(settings, "build_index"), listed(Path(docs))
    built = Built(of_files=len(listing.files), faults=list(listing.faults), others=dict(listing.others))
    embedder = load(chosen.embedder)
    with _alone(str(out)):
        database = _begun(str(out), chosen, embedder)
        writer = Writer(database, embedder, chosen, built)
        for path in listing.files:
            for found in sources(listing, path, chosen.text_column):
                writer.take(found)
                built.seconds = time.monotonic() - began
                watch(built)
            built.files += 1
        writer.finish()
        database.set_about({**_about(chosen, embedder), "state": "finished", "documents": len(writer.seen)})
    built.seconds = time.monotonic() - began
    watch(built)
    return built


@contextmanager
def _alone(address: str) -> Iterator[None]:
    """Nobody else writes into the folder meanwhile. On object storage nobody is kept out."""
    if not is_local(address):
        yield
        return
    folder = Path(address)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise SettingError(f"another process is writing the index at {address}; wait for it, or end it") from None
    except OSError as error:
        raise disk_error(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def _begun(address: str, settings: IndexSettings, embedder: Embedder) -> Database:
    """The tables to go on with, or new ones."""
    if is_local(address):
        _check_folder(Path(address))
    database = Database(address)
    about, wanted = database.about(), _about(settings, embedder)
    if about is not None and not settings.force:
        _check_made_alike(about, wanted, address)
        check_same(embedder, about, address)
        if about["state"] != "begun":
            return database
    database.set_about({**wanted, "state": "begun"})  # a crash before the next two lines is seen by it
    database.create(len(wanted["probe"]))
    database.set_about({**wanted, "state": "filling"})
    return database


def _about(settings: IndexSettings, embedder: Embedder) -> dict[str, Any]:
    """How the index is made."""
    probe = [float(number) for number in embedder.embed([PROBE])[0]]
    return {"form": _FORM, **settings.making(), "probe": probe, "date": datetime.now(UTC).isoformat(timespec="seconds")}


def _check_folder(folder: Path) -> None:
    """Errors: it holds something else than an index."""
    held = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    if held and not (folder / "about.lance").is_dir():
        raise SettingError(f"--out {folder} holds {held[0]} and no index; name a new folder")


def _check_made_alike(about: dict[str, Any], wanted: dict[str, Any], address: str) -> None:
    """Errors: other settings, or tables of another version."""
    names = ("form", *IndexSettings.model_fields)
    if name := next((name for name in names if name != "force" and about.get(name) != wanted[name]), None):
        raise SettingError(
            f"the index at {address} was made with {name} {about.get(name)!r}, not {wanted[name]!r}; use the same"
            " settings, another --out, or --force to begin anew"
        )
