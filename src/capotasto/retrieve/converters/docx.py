"""A Word file (DOCX), read with mammoth, which makes HTML of it."""

from pathlib import Path

from capotasto.base.reason import reason
from capotasto.errors import DataError
from capotasto.retrieve.converters import html
from capotasto.retrieve.packages import imported
from capotasto.retrieve.records import Document


def read(path: Path, name: str) -> Document:
    """Its text with the headings of Word's own styles, without pictures."""
    mammoth = imported("mammoth", name)
    try:
        with path.open("rb") as stream:
            page = mammoth.convert_to_html(stream, convert_image=mammoth.images.img_element(lambda image: {})).value
    except Exception as error:  # no ZIP file, parts that are missing, damaged XML: each surfaces in its own way
        raise DataError(f"{name} is no readable Word file ({reason(error)}); save it as DOCX again") from None
    found = html.document(page, name)
    if not found.text.strip():
        raise DataError(f"{name} has no text, and pictures are not read; save it with its text")
    return found
