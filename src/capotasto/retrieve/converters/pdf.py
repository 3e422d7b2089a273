"""The text of a PDF file, page by page, read with pypdf."""

import logging
from pathlib import Path
from typing import Any

from capotasto.base.reason import reason
from capotasto.errors import DataError
from capotasto.retrieve.packages import imported
from capotasto.retrieve.records import Document, Heading


def read(path: Path, name: str) -> Document:
    """Its pages stand under the headings `page 1`, `page 2` … Errors: a scan, a password, a damaged file."""
    pypdf = imported("pypdf", name)
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells the oddities of every file
    try:
        reader = pypdf.PdfReader(path)
        locked = reader.is_encrypted and not reader.decrypt("")
        pages = [] if locked else [page.extract_text() for page in reader.pages]
    except Exception as error:  # damaged files surface as many types
        raise DataError(f"{name} is no readable PDF ({reason(error)}); save or print it to PDF again") from None
    if locked:
        raise DataError(f"{name} is locked with a password; save it without one")
    if not any(page.strip() for page in pages):
        raise DataError(
            f"{name} has no text on its {len(pages)} pages, as a scan has none; let a program for character recognition"
            " (ocrmypdf) put it in"
        )
    return _joined(name, pages)


def _joined(name: str, pages: list[Any]) -> Document:
    headings, start = [], 0
    for number, page in enumerate(pages, start=1):
        headings.append(Heading(start, start, 1, f"page {number}"))
        start += len(page) + 1
    return Document(name, "\n".join(pages), tuple(headings))
