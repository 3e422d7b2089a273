"""From a file to a document: one converter for each format, chosen by the file's ending.

A converter is a function `read(path: Path, name: str) -> Document`; `name` is what the document is called. What it
cannot read is a `DataError`.
"""

from capotasto.registry import Table

CONVERTERS = Table(
    "converter",
    {
        "md": "capotasto.retrieve.converters.markdown:read",
        "markdown": "capotasto.retrieve.converters.markdown:read",
        "txt": "capotasto.retrieve.converters.plain:read",
        "text": "capotasto.retrieve.converters.plain:read",
        "html": "capotasto.retrieve.converters.html:read",
        "htm": "capotasto.retrieve.converters.html:read",
        "pdf": "capotasto.retrieve.converters.pdf:read",
        "docx": "capotasto.retrieve.converters.docx:read",
    },
)
