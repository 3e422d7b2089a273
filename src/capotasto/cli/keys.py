"""`capo keys`: who may use a server."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from capotasto.cli.options import Json
from capotasto.cli.terminal import err, out, print_json, table
from capotasto.errors import SettingError

EXAMPLES = (
    "capo keys add acme --adapters 'acme-*' --file keys.yaml",
    "capo keys add ops --admin --file keys.yaml",
    "capo keys remove acme --file keys.yaml",
)
Action = Literal["add", "list", "remove"]


def command(
    action: Annotated[Action, typer.Argument(help="add NAME: make a key; remove NAME: take it away; list")],
    file: Annotated[Path, typer.Option("--file", metavar="PATH", help="the file of keys; add makes it")],
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="whose key it is")] = None,
    adapters: Annotated[
        list[str] | None,
        typer.Option(
            "--adapters", metavar="PATTERN", help="add: adapters it may use (support*); repeat it; left out: all"
        ),
    ] = None,
    admin: Annotated[
        bool, typer.Option("--admin", metavar="", help="add: it may also load and unload them, and read the metrics")
    ] = False,
    json: Json = False,
) -> None:
    """A key is shown once. The file holds only hashes, and `capo serve --keys` reads it, also when it has changed."""
    if (name is None) != (action == "list"):
        raise SettingError(f"capo keys {action} takes {'no name' if name else 'the NAME of a key'}")
    if action != "add" and (adapters or admin):
        raise SettingError(f"--adapters and --admin act on nothing with capo keys {action}; leave them out")
    if name is None:
        _list(file, json)
    elif action == "add":
        _add(file, name, adapters or [], admin, json)
    else:
        _remove(file, name, json)


def _add(file: Path, name: str, adapters: list[str], admin: bool, json: bool) -> None:
    from capotasto.serve.keys import add

    secret = add(file, name, adapters, admin)
    if json:
        print_json({"name": name, "key": secret, "file": str(file)})
        return
    out.print(secret, soft_wrap=True, highlight=False, markup=False)
    err.print(f"This is {name}'s key; it is shown this once, and {file} holds only its hash.", soft_wrap=True)


def _remove(file: Path, name: str, json: bool) -> None:
    from capotasto.serve.keys import remove

    remove(file, name)
    print_json({"removed": name, "file": str(file)}) if json else out.print(f"removed {name}", soft_wrap=True)


def _list(file: Path, json: bool) -> None:
    from capotasto.serve.keys import listed

    keys = listed(file)
    if json:
        print_json([key.model_dump(exclude={"hash"}) for key in keys])
        return
    made = table("Key", "Adapters", "Admin", title=f"{len(keys)} keys in {file}")
    for key in keys:
        made.add_row(key.name, ", ".join(key.adapters), "yes" if key.admin else "")
    out.print(made)
