"""Rows of a Parquet file (https://parquet.apache.org), read with pyarrow."""

from collections.abc import Iterator
from pathlib import Path

from capotasto.data.rows import Row
from capotasto.errors import DataError


def read(path: Path) -> Iterator[Row]:
    """Yield the rows, batch by batch."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise DataError(f"reading {path} needs pyarrow: pip install 'capotasto[parquet]'") from None
    count = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                for values in batch.to_pylist():
                    yield Row(values, f"{path.name}[{count}]")
                    count += 1
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise DataError(f"{path} is not a readable Parquet file: {reason}; write or download it again") from None
