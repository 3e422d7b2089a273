"""`capo export`: an adapter in the form that another program reads."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from capotasto.cli.adapters import place
from capotasto.cli.base import BaseSettings, load
from capotasto.cli.options import Json, build, settings_options
from capotasto.cli.terminal import err, print_json
from capotasto.cli.terminal import out as screen
from capotasto.errors import SettingError, nearest
from capotasto.exporting import TARGETS

EXAMPLES = (
    "capo export runs/tickets --base smollm2-135m --to vllm-embeds --out tickets-vllm",
    "capo export runs/tickets-lora --base smollm2-135m --to gguf-lora --out tickets-gguf",
)


class ExportOptions(BaseSettings):
    """What the command takes."""

    to: str | None = Field(
        None,
        description="vllm-embeds (virtual tokens), peft, merged (a model folder, of a lora) or gguf-lora (llama.cpp)",
    )
    out: Path | None = Field(None, description="the folder for the files: a new one")


@settings_options(ExportOptions)
def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="the folder of an adapter")],
    json: Json = False,
    **given: Any,
) -> None:
    """What a target cannot hold is refused with the reason. docs/scale-out.md has a table of what goes where."""
    options = build(ExportOptions, given)
    if options.to is None:
        raise SettingError(f"no target; name one with --to: {', '.join(TARGETS)}")
    if options.to not in TARGETS:
        raise SettingError(f"--to {options.to}: unknown target; {nearest(options.to, TARGETS)}")
    if options.out is None:
        raise SettingError("no folder for the files; name one with --out FOLDER")
    from capotasto.exporting.export import export
    from capotasto.session import load_adapter

    base = load(options)
    adapter = load_adapter(place(str(folder)), base)
    with err.status("writing"):
        written = export(base, adapter, options.to, options.out)
    files = sorted(path.name for path in written.iterdir())
    if json:
        print_json({"folder": str(written), "target": options.to, "adapter": adapter.name, "files": files})
    else:
        screen.print(f"{written}: {adapter.name} for {options.to}: {', '.join(files)}")
