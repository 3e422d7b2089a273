"""`capo keys`: who may use a server."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from capotasto.cli.options import Json
from capotasto.cli.terminal import err, out, print_json

EXAMPLES = (
    "capo keys add acme --adapters 'acme-*' --file keys.yaml",
    "capo keys add ops --admin --file keys.yaml",
)


def command(
    action: Annotated[Literal["add"], typer.Argument(help="add: make a key")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="whose key it is")],
    file: Annotated[Path, typer.Option("--file", metavar="PATH", help="the file of keys; made if it is not there")],
    adapters: Annotated[
        list[str] | None,
        typer.Option("--adapters", metavar="PATTERN", help="adapters it may use (support*); repeat it; left out: all"),
    ] = None,
    admin: Annotated[
        bool, typer.Option("--admin", metavar="", help="it may also load and unload them, and read the metrics")
    ] = False,
    json: Json = False,
) -> None:
    """The key is shown once. The file holds only its hash, and `capo serve --keys` reads it."""
    from capotasto.serve.keys import add

    secret = add(file, name, adapters or [], admin)
    if json:
        print_json({"name": name, "key": secret, "file": str(file)})
        return
    out.print(secret, soft_wrap=True, highlight=False, markup=False)
    err.print(f"This is {name}'s key; it is shown this once, and {file} holds only its hash.", soft_wrap=True)
