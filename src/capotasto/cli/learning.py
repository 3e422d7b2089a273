"""What `capo tune`, `capo search` and `capo compare` share: DATA, --config, and an --out that is free."""

from pathlib import Path
from typing import Annotated, Protocol

import typer

from capotasto.errors import SettingError

Data = Annotated[
    str | None, typer.Argument(metavar="DATA", help="csv, tsv, json, jsonl, parquet or txt, or hub:OWNER/NAME")
]
Config = Annotated[
    Path | None, typer.Option(metavar="FILE", help="a YAML file with any of these settings; flags win over it")
]


class Learning(Protocol):
    """The settings of such a command, from the command line and a file."""

    data: str | None
    out: Path | None
    resume: bool
    force: bool


def data_and_out(options: Learning, command: str) -> tuple[str, Path]:
    """What is learnt from and the folder of the result, checked before a base is loaded, which takes a while.

    Errors: one of them is not named; the folder is not free.
    """
    from capotasto.experiment import folder

    if options.data is None:
        raise SettingError(f"no data to learn from; name a file: capo {command} DATA --out DIR")
    if options.out is None:
        raise SettingError("no folder for the result; name one with --out DIR")
    folder.check(options.out, options.resume, options.force)
    return options.data, options.out
