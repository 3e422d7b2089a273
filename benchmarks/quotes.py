"""Short quotations: plain texts to learn by heart."""

import json
from pathlib import Path

from benchmarks.common import data_file


def write_quotes(path: Path, count: int) -> Path:
    """The first `count` as a data file; returns it."""
    rows = json.loads(data_file("quotes_quotable/quotes.json").read_text(encoding="utf-8"))[:count]
    path.write_text("".join(json.dumps({"text": row["content"]}) + "\n" for row in rows), encoding="utf-8")
    return path
