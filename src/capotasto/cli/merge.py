"""`capo merge`: an adapter made part of its base's weights."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from capotasto.cli.adapters import place
from capotasto.cli.base import BaseSettings, load
from capotasto.cli.options import Json, build, settings_options
from capotasto.cli.terminal import err, print_json
from capotasto.cli.terminal import out as screen
from capotasto.errors import SettingError

EXAMPLES = ("capo merge runs/tickets --base smollm2-135m --out models/tickets",)


class MergeOptions(BaseSettings):
    """What the command takes."""

    out: Path | None = Field(None, description="the folder for the model: a new one")


@settings_options(MergeOptions)
def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="the folder of a lora adapter")],
    json: Json = False,
    **given: Any,
) -> None:
    """The folder is an ordinary Hugging Face model with its tokenizer: it needs no adapter and no Capotasto."""
    from capotasto.merging import merge
    from capotasto.session import load_adapter

    options = build(MergeOptions, given)
    if options.out is None:
        raise SettingError("no folder for the model; name one with --out FOLDER")
    base = load(options)
    adapter = load_adapter(place(str(folder)), base)
    with err.status("merging"):
        written = merge(base, adapter, options.out)
    found = {"folder": str(written), "base": base.name, "adapter": adapter.name, "layers": len(adapter.deltas())}
    if json:
        print_json(found)
    else:
        screen.print(f"{written}: {base.name} with {adapter.name} in {found['layers']} layers; use it as any base")
