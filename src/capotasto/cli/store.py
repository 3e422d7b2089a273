"""`capo store`: adapters with versions and tags, in one folder."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from capotasto.cli.options import Json
from capotasto.cli.terminal import out, print_json, table
from capotasto.errors import SettingError
from capotasto.report import format
from capotasto.store import Store

EXAMPLES = (
    "capo store add runs/tickets",
    "capo store tag tickets@2 live",
    "capo generate --adapter tickets:live 'My parcel is late'",
)
Action = Literal["list", "add", "tag", "remove", "path"]
WANTED = {
    "add": (1, "DIR"),
    "tag": (2, "NAME[@VERSION] TAG"),
    "remove": (1, "NAME[@VERSION]"),
    "path": (1, "NAME[@VERSION]"),
}


def command(
    action: Annotated[Action, typer.Argument(help="list, add DIR, tag NAME@VERSION TAG, remove, path")] = "list",
    what: Annotated[list[str] | None, typer.Argument(metavar="WHAT", help="what the action is about")] = None,
    folder: Annotated[
        Path | None, typer.Option("--store", metavar="DIR", help="the store's folder; left out: in the cache folder")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="with add: the adapter's name; left out: its own")
    ] = None,
    json: Json = False,
) -> None:
    """Versions never change; a tag is moved from one to another. Elsewhere NAME, NAME@VERSION or NAME:TAG means it."""
    store, given = Store(folder), what or []
    if action == "list":
        _list(store, json)
        return
    count, form = WANTED[action]
    if len(given) != count:
        raise SettingError(f"capo store {action} takes {form}, got {len(given)} words")
    told = _act(store, action, given, name)
    print_json(told) if json else out.print("\n".join(told), soft_wrap=True)


def _act(store: Store, action: Action, given: list[str], name: str | None) -> list[str]:
    if action == "add":
        return [store.add(given[0], name)]
    if action == "tag":
        store.tag(given[0], given[1])
        return [f"{given[0].replace(':', '@').partition('@')[0]}:{given[1]}"]
    if action == "remove":
        return store.remove(given[0])
    return [str(store.find(given[0]))]


def _list(store: Store, json: bool) -> None:
    if json:
        print_json({name: asdict(entry) for name, entry in store.entries.items()})
        return
    made = table("Adapter", "Method", "Base", "Size", "Verdict", title=f"{len(store)} adapters in {store.folder}")
    for name, entry in store.entries.items():
        for number, version in entry.versions.items():
            tags = "".join(f"\n:{tag}" for tag, one in entry.tags.items() if one == number)
            verdict = version.verdict.partition(":")[0]
            made.add_row(f"{name}@{number}{tags}", version.method, version.base, format.size(version.bytes), verdict)
    out.print(made)
