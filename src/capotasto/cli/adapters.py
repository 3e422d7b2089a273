"""`--adapter NAME=DIR`: adapters named on the command line, and how they are talked to."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capotasto.errors import SettingError
from capotasto.store import Store

if TYPE_CHECKING:
    from capotasto.methods.adapter import Adapter
    from capotasto.session import Base

Adapters = Annotated[
    list[str] | None,
    typer.Option(
        "--adapter", metavar="[NAME=]DIR", help="an adapter's folder or its name in the store; repeat it for several"
    ),
]
OneAdapter = Annotated[
    str | None, typer.Option("--adapter", metavar="[NAME=]DIR", help="an adapter's folder or its name in the store")
]
Chat = Annotated[
    bool | None,
    typer.Option("--chat/--no-chat", metavar="", help="use the chat template or not; left out: as it was trained"),
]


def folders(given: Sequence[str]) -> dict[str, Path]:
    """Name → folder. Without `NAME=` the folder's name is taken. Errors: a name that is used twice, or the base's."""
    named: dict[str, Path] = {}
    for text in given:
        name, path = _parted(text)
        if name == "base":
            raise SettingError(f"--adapter {text}: the name 'base' is the bare base's; give another as NAME={path}")
        if name in named:
            raise SettingError(f"--adapter {text}: the name {name!r} is used twice; give one as --adapter NAME={path}")
        named[name] = path
    return named


def _parted(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not equals or Path(text).exists():
        found = place(text)
        return (Path(text).resolve().name if found == Path(text) else text), found
    if not name or not path:
        raise SettingError(f"--adapter {text}: write NAME=DIR, or the folder alone")
    return name, place(path)


def place(text: str) -> Path:
    """The folder of an adapter: itself, or what the store knows by this reference."""
    if Path(text).exists() or "/" in text:
        return Path(text)
    store = Store()
    return store.find(text) if text.replace(":", "@").partition("@")[0] in store.entries else Path(text)


def load(named: dict[str, Path], base: "Base") -> dict[str, "Adapter"]:
    """The adapters by name, resident on `base`."""
    from capotasto.session import load_adapter

    return {name: load_adapter(folder, base, name) for name, folder in named.items()}
