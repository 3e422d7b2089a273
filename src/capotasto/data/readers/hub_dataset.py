"""Rows of a data set on the Hugging Face hub, read with the `datasets` library; no code from the hub is run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from capotasto.data.rows import Row
from capotasto.errors import DataError

DEFAULT_SPLIT = "train"


def read(path: Path) -> Iterator[Row]:
    """Yield the rows of `hub:OWNER/NAME` (its split "train") or `hub:OWNER/NAME:SPLIT`; class numbers become names."""
    address = path.as_posix()
    _, name, split = [*address.split(":"), DEFAULT_SPLIT][:3]
    if not name or not split:
        raise DataError(f"{address!r} is not an address; write hub:OWNER/NAME or hub:OWNER/NAME:SPLIT")
    table = _load(address, name, split)
    classes = {column: feature.names for column, feature in table.features.items() if hasattr(feature, "names")}
    for index, values in enumerate(table):
        named = {column: _class_name(values[column], names) for column, names in classes.items()}
        yield Row({**values, **named}, f"{address}[{index}]")


def _load(address: str, name: str, split: str) -> Any:
    try:
        import datasets
    except ImportError:
        raise DataError(f"reading {address} needs datasets: pip install 'capotasto[hub-data]'") from None
    try:
        return datasets.load_dataset(name, split=split)
    except Exception as error:  # the library passes on whatever its file system and network layers raise
        reason = " ".join(str(error).split())[:300]
        raise DataError(f"cannot load {address}: {reason}; check the name, the split and the network") from None


def _class_name(number: int | None, names: list[str]) -> str | None:
    """The library writes -1 where the class is not told."""
    return names[number] if number is not None and number >= 0 else None
