"""What lies in a folder of documents, one source after another; nothing is converted before it is asked for."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

from capotasto.data.readers import READERS
from capotasto.errors import DataError
from capotasto.records import file_hash
from capotasto.retrieve import rows
from capotasto.retrieve.converters import CONVERTERS
from capotasto.retrieve.records import Document, Fault, sound

Converter = Callable[[Path, str], Document]


@dataclass(frozen=True, slots=True)
class Source:
    """A document that can be read. hash: another one once its content has changed"""

    name: str
    hash: str
    read: Callable[[], Document]


@dataclass(slots=True)
class Listing:
    """The files that can be read, in order; what cannot; and how many files of other kinds there are, by ending."""

    root: Path
    files: list[Path] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    def name(self, path: Path) -> str:
        """What a file is called: its path from the root on, with forward slashes."""
        return path.relative_to(self.root).as_posix()


def listed(docs: Path) -> Listing:
    """A file, or all files in a folder and its folders. Hidden ones are passed over, links are not followed.

    Errors: nothing there, or nothing that can be read.
    """
    if not docs.exists():
        raise DataError(f"no folder or file at {docs}; check the path")
    place = docs.resolve()  # what the user names may be a link
    found = Listing(place if place.is_dir() else place.parent)
    for path in sorted(_walk(place)) if place.is_dir() else [place]:
        _sort_in(found, path)
    if not found.files:
        held = ", ".join(f"{count} × {ending}" for ending, count in found.others.most_common(5)) or "nothing"
        raise DataError(f"{docs} holds no file that can be indexed, but {held}; known endings: {', '.join(endings())}")
    return found


def endings() -> list[str]:
    """The endings that are known, without a dot."""
    return [*CONVERTERS, *(name for name in READERS if name not in CONVERTERS and not name.endswith(":"))]


def sources(listing: Listing, path: Path, text_column: str | None) -> Iterator[Source | Fault]:
    """The documents in a file: itself, or each of its rows."""
    ending, name = path.suffix.lower().removeprefix("."), listing.name(path)
    try:
        if ending in CONVERTERS:
            convert = cast(Converter, CONVERTERS[ending])
            yield Source(name, file_hash(path), partial(convert, path, name))
            return
        for found in rows.documents(path, name, text_column):
            yield found if isinstance(found, Fault) else Source(found.name, rows.state(found), partial(_itself, found))
    except OSError as error:
        yield Fault(name, f"{name} cannot be read ({error.strerror or error}); check its rights")
    except DataError as error:
        yield Fault(name, str(error))


def _itself(document: Document) -> Document:
    return document


def _walk(folder: Path) -> Iterator[Path]:
    """Every file and every link."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if Path(place, name).is_symlink()]
        yield from (Path(place, name) for name in (*files, *links) if not name.startswith("."))


def _sort_in(listing: Listing, path: Path) -> None:
    name = listing.name(path)
    if name != sound(name):
        listing.faults.append(Fault(ascii(name), f"{name!a} is a name that is no UTF-8; rename the file"))
    elif path.is_symlink():
        listing.faults.append(Fault(name, f"{name} is a link, and links are not followed; copy what it leads to here"))
    elif path.is_file() and path.suffix.lower().removeprefix(".") in endings():
        listing.files.append(path)
    else:
        listing.others[path.suffix.lower() or "no ending"] += 1
